package outbox

import (
	"slices"
	"time"
)

// corrections remembers the last messages of workers that the room has shown, in the
// order in which it got them: those that a later one may replace where people read
// (XEP-0308).
type corrections struct {
	most      int  // how many are remembered
	byAccount bool // readers tell by the account who may correct, not by the session
	last      []shownPost
}

// shownPost is a message of a worker that the room has shown.
type shownPost struct {
	id       shownID
	at       time.Time
	live     bool    // shown to us in this session, as our own
	account  bool    // by our account
	original shownID // id of the message that it replaced, else its own
}

// Details are what a message says of itself that a worker made.
type Details struct {
	Names    []byte    // of the notifications in a digest; nil: none
	Replaces []byte    // id of the message that it corrects; nil: none
	Own      bool      // from our address
	Account  bool      // by our account, also from another address
	At       time.Time // when the room got it; zero: it shows it live
}

// CorrectWithin has a message correct another only if no more than n messages of
// workers have followed that.
func (b *Outbox) CorrectWithin(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.corrections.most = n + 1
}

// CorrectByAccount says whether readers accept a correction by any session of the
// account. Else it is only by the one that posted the first message.
func (b *Outbox) CorrectByAccount(accepted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.corrections.byAccount = accepted
}

// NoteDetails takes what a message says of itself that Seen has recognised. bare is true if
// it shows, for the first time, that the room removes the names of digests.
func (b *Outbox) NoteDetails(id []byte, d Details) (bare bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.shownIDs.has(string(id)) {
		return false
	}
	p := shownPost{id: shownID(id), at: d.At, live: d.Own && b.link != nil, account: d.Account, original: shownID(id)}
	if len(d.Replaces) == IDSize && (p.live || p.account) { // others cannot say what we have corrected
		p.original = shownID(d.Replaces)
	}
	b.corrections.add(p, time.Now())
	return (d.Own || len(d.Names) > 0) && b.gathered(id, d.Names, d.Own)
}

// add remembers p. Told again, it may be known better whose it is.
func (c *corrections) add(p shownPost, now time.Time) {
	if i := slices.IndexFunc(c.last, func(known shownPost) bool { return known.id == p.id }); i >= 0 {
		known := &c.last[i]
		known.live, known.account = known.live || p.live, known.account || p.account
		if p.live || p.original != p.id { // sent again, it may be no correction any more
			known.original = p.original
		}
		return
	}
	i := len(c.last)
	if p.at.IsZero() { // live: the last of all, whatever the clocks of servers say of others
		p.at = now
	} else {
		for i > 0 && c.last[i-1].at.After(p.at) {
			i--
		}
	}
	c.last = append(c.last, p)
	copy(c.last[i+1:], c.last[i:]) // slices.Insert would allocate, here and at the end
	c.last[i] = p
	c.last = slices.Delete(c.last, 0, max(0, len(c.last)-c.most))
}

// leave notes that the session is over.
func (c *corrections) leave() {
	for i := range c.last {
		c.last[i].live = false
	}
}

// correctable returns the id that a correction of the message with that id names: that
// of the first one. It is "" if readers would not accept it, or no longer have the
// message before them: so many are in flight ahead of the correction.
func (c *corrections) correctable(id shownID, ahead int) string {
	for i, p := range c.last {
		if p.id == id && len(c.last)-i+ahead <= c.most && (p.live || c.byAccount && p.account) {
			return string(p.original[:])
		}
	}
	return ""
}

// replaced returns the id of the message that e replaces, "" if it is shown as a
// message of its own.
func (b *Outbox) replaced(identity string) string {
	id := b.ids.ID(identity)
	before, inFlight := b.inflight[id]
	switch {
	case !inFlight:
		return b.corrections.correctable(shownID([]byte(id)), b.in[outstanding])
	case before.state != outstanding || before.digest != nil || b.count-before.nth >= uint64(b.corrections.most): //nolint:gosec // it is positive
		return ""
	case before.Replaces != "":
		return before.Replaces
	default:
		return id
	}
}

// corrects reports whether the message with that identity has replaced another, or
// will when it is shown.
func (b *Outbox) corrects(identity string) bool {
	id := b.ids.ID(identity)
	if e, inFlight := b.inflight[id]; inFlight {
		return e.Replaces != ""
	}
	return slices.ContainsFunc(b.corrections.last, func(p shownPost) bool {
		return string(p.id[:]) == id && p.original != p.id
	})
}
