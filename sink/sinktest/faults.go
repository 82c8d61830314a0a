package sinktest

import (
	"slices"
	"time"
)

// maxHeld bounds the reflections that are held back.
const maxHeld = 100_000

// roomFaults are the faults in force inside the room. Guarded by room.mu.
type roomFaults struct {
	lose      countdown
	cutBefore countdown
	cutAfter  countdown
	refuse    errorFault // of joins
	bounce    []*bounceFault
	swallow   []func(Post) bool
	rename    string
	answer    string // to joins, instead of letting anybody in
	ignore    string // field of the form
	slow      time.Duration
	hold      bool
	held      []reflection
}

// reflection is one that its sender has not got yet.
type reflection struct {
	to *session
	e  entry
}

// countdown counts events to come.
type countdown int

// take reports whether there is one left, and uses it up.
func (c *countdown) take() bool {
	if *c == 0 {
		return false
	}
	*c--
	return true
}

// hit reports whether this is the last one.
func (c *countdown) hit() bool { return c.take() && *c == 0 }

// errorFault is an error for the next n events, or for all of them if n is negative.
type errorFault struct {
	err StanzaError
	n   int
}

func (f *errorFault) next() (StanzaError, bool) {
	if f.n == 0 {
		return StanzaError{}, false
	}
	if f.n > 0 {
		f.n--
	}
	return f.err, true
}

type bounceFault struct {
	errorFault
	match func(Post) bool
}

// bounced returns the error that a message is ordered to get.
func (f *roomFaults) bounced(p Post) (StanzaError, bool) {
	for _, b := range f.bounce {
		if b.match != nil && !b.match(p) {
			continue
		}
		if e, ok := b.next(); ok {
			return e, true
		}
	}
	return StanzaError{}, false
}

// swallowed reports whether a message is ordered to vanish.
func (f *roomFaults) swallowed(p Post) bool {
	return slices.ContainsFunc(f.swallow, func(match func(Post) bool) bool { return match(p) })
}

// keep holds a reflection back; a session that hoards them is dropped.
func (f *roomFaults) keep(to *session, e entry) {
	if len(f.held) >= maxHeld {
		to.wire.abort()
		return
	}
	f.held = append(f.held, reflection{to, e})
}

// LoseMatching makes the room swallow all messages of a certain kind without a word.
// match must not call the server.
func (s *Server) LoseMatching(match func(Post) bool) {
	s.fault(func(f *roomFaults) { f.swallow = append(f.swallow, match) })
}

// LoseNext makes the room swallow the next n messages without a word.
func (s *Server) LoseNext(n int) {
	s.fault(func(f *roomFaults) { f.lose = countdown(n) })
}

// CutAfterPosts shows the n-th message from now to everybody else and resets the
// sender's connection instead of reflecting it.
func (s *Server) CutAfterPosts(n int) {
	s.fault(func(f *roomFaults) { f.cutAfter = countdown(n) })
}

// CutBeforePosts resets the sender's connection at the n-th message from now, which nobody is shown.
func (s *Server) CutBeforePosts(n int) {
	s.fault(func(f *roomFaults) { f.cutBefore = countdown(n) })
}

// Bounce answers the next n messages with an error instead of showing them; all messages if n is negative.
func (s *Server) Bounce(e StanzaError, n int) {
	s.BounceMatching(func(Post) bool { return true }, e, n)
}

// BounceMatching is Bounce for messages of a certain kind. match must not call the server.
func (s *Server) BounceMatching(match func(Post) bool, e StanzaError, n int) {
	s.fault(func(f *roomFaults) {
		f.bounce = append(f.bounce, &bounceFault{errorFault{e.orUnavailable(), n}, match})
	})
}

// RefuseJoins answers the next n joins with an error; all joins if n is negative.
func (s *Server) RefuseJoins(e StanzaError, n int) {
	s.fault(func(f *roomFaults) { f.refuse = errorFault{e.orUnavailable(), n} })
}

// AnswerJoins answers joins with a message from the room, and lets nobody in; inner is
// what the message holds. "" ends it.
func (s *Server) AnswerJoins(inner string) {
	s.fault(func(f *roomFaults) { f.answer = inner })
}

// RenameOnJoin gives everybody who joins this nickname, with status 210; "" ends it.
func (s *Server) RenameOnJoin(nick string) {
	s.fault(func(f *roomFaults) { f.rename = nick })
}

// IgnoreOption makes the room accept a field of its form, like membersonly, without effect.
func (s *Server) IgnoreOption(name string) {
	s.fault(func(f *roomFaults) { f.ignore = name })
}

// SlowRoom makes the room take its time for each message, as one with a grown archive does.
func (s *Server) SlowRoom(perMessage time.Duration) {
	s.fault(func(f *roomFaults) { f.slow = perMessage })
}

// HoldReflections shows messages to everybody but keeps the sender's own reflections back.
func (s *Server) HoldReflections() {
	s.fault(func(f *roomFaults) { f.hold = true })
}

// ReleaseReflections sends what was held back, in order, to the sessions that still exist.
func (s *Server) ReleaseReflections() {
	s.fault(func(f *roomFaults) {
		for _, r := range f.held {
			r.to.send(r.e.head, esc(r.to.jid), "'>", r.e.inner, "</message>")
		}
		f.hold, f.held = false, nil
	})
}

// ClearFaults ends all faults of this kind: everything but what the owner of the
// room has done, and what was done to connections and logins.
func (s *Server) ClearFaults() {
	s.ReleaseReflections()
	s.fault(func(f *roomFaults) { *f = roomFaults{} })
}

func (s *Server) fault(change func(*roomFaults)) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	change(&s.room.faults)
}
