package outbox

import (
	"strings"
	"time"
)

// CutMark ends a text that did not fit into a stanza.
const CutMark = " […]"

// Seen records a message that the room showed from an occupant: ours if own. The room
// got it at a time, zero if it shows it live. Seen reports whether a worker made
// the id. Only our own reflection settles a message
// in flight, in a history also one from the address that we had when it was sent;
// what another worker showed is remembered. The session calls Flush after a batch
// of them.
func (b *Outbox) Seen(id, from []byte, own bool, at time.Time) bool {
	if at.IsZero() {
		at = time.Now()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ours := b.inflight[string(id)]
	before, nth := b.shownIDs.add(id, from, ours)
	var w evidence
	switch {
	case ours && (own || b.link == nil && string(from) == e.from):
		if before == copied { // sent again from another address than the first time
			b.shownIDs.move(id, from)
		}
		w = b.shown(e, nth)
		delete(b.history.byID, string(id)) // that another worker has shown it as well proves less
	case before == seenAgain:
		w = b.history.proves(nth, own || string(from) == b.from, at)
	case before == copied, before == invented:
		return before != invented
	}
	if b.link == nil {
		b.history.add(string(id), w)
	}
	return true
}

// SeenText takes a message that the room shows live, from ourselves, without an id
// that we know. It is for a room that has proven that it keeps no ids: the message
// is the next in order with that text, of those that had been sent, up to a number. If the
// room itself has answered since (handled), it may also be a later one: had the room kept
// ids, it would have shown by now all that was sent before with them. A history
// never settles anything by its text: it may be another's, or another day's.
func (b *Outbox) SeenText(text string, sent uint64, handled bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.withText(text, sent, handled || b.history.keepsNoIDs)
	if b.link == nil || e == nil {
		return false
	}
	_, nth := b.shownIDs.add([]byte(e.id), []byte(b.from), true)
	b.shown(e, nth)
	b.digests.bare = b.digests.bare || e.digest != nil
	return true
}

// withText returns the message that the room shows with a text: the oldest that is
// outstanding, or a later one, if it is certain (sure) that the room keeps no ids. Then it
// has not shown those before, and will not.
func (b *Outbox) withText(text string, sent uint64, sure bool) *entry {
	for _, e := range b.queue {
		switch {
		case e.nth > sent:
		case e.state != outstanding:
		case sameText(e.Body, text):
			return e
		case !sure:
			return nil
		}
	}
	return nil
}

// Sent is the number of the last message that was sent.
func (b *Outbox) Sent() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// sameText reports whether the room would show body as text, perhaps cut.
func sameText(body, text string) bool {
	start, cut := strings.CutSuffix(text, CutMark)
	return body == text || cut && strings.HasPrefix(body, start)
}

// shown settles e, the nth of all, as delivered. It returns what it proves if it
// was found in the history: the room was shown our messages in order, so it comes
// after the last that we had seen, and behind the first of those in
// flight there is no hole.
func (b *Outbox) shown(e *entry, nth uint32) evidence {
	r, w, now := Result{Outcome: Delivered}, evidence{partial, b.history.last, true}, time.Now()
	if b.link != nil && e.state == outstanding { // else it was found in the history
		r.Took = now.Sub(e.sentAt)
		b.lastShown = max(b.lastShown, e.nth)
		b.accepted(e, now)
		b.alive = later(b.alive, e.sentAt)
	}
	if b.link != nil {
		b.history.last = nth
		if e.Names != "" {
			b.digests.hold.last = now
		}
	}
	if b.front() == e {
		w.proof = complete
	}
	b.settle(e, r)
	b.recent.add(e, now, nth)
	return w
}

// Archived is Seen for a message of the room's archive. An archive may store what
// it receives, whether the room shows it or not. So where the room's own history
// tells of that time (covered), what is in the archive alone proves nothing.
func (b *Outbox) Archived(id, from []byte, own, covered bool, at time.Time) {
	b.mu.Lock()
	_, told := b.history.byID[string(id)]
	b.mu.Unlock()
	if told || !covered {
		b.Seen(id, from, own, at)
	}
}
