package outbox

import "time"

// comparison is about a message that the room asks to wait again and again. That may be
// for the rate, or for the message. So another one is sent right after it was refused: a room that
// limits the rate refuses that as well.
type comparison struct {
	of    *entry // nil: none
	other *entry // that was sent
}

const (
	// mostWaits is how often a message is asked to wait before another one is tried.
	mostWaits = 5
	// mostOvertaken is how often in a row the room shows another one at once before the
	// message is given up if it is refused again.
	mostOvertaken = 2
	// patientWaits is how often it is refused until any other that was shown since the first
	// time is enough: a worker may have no more, because of what may be unacknowledged. That
	// takes about nine minutes.
	patientWaits = 30
)

// takeBack has e wait for its turn again: the room has refused it, and not for its own fault.
func (b *Outbox) takeBack(e *entry, now time.Time) {
	b.comparison = comparison{}
	e.sent = false
	b.to(e, waiting)
	b.noteOldest(now)
}

// askedToWait takes a refusal that asks us to wait. It reports whether that is the fault of
// the message: it has been tried often enough.
func (b *Outbox) askedToWait(e *entry, why error, now time.Time) (exhausted bool) {
	c, single := b.comparison, b.in[outstanding] == 1
	b.takeBack(e, now)
	if e.refused == 0 {
		e.refused = e.nth
	}
	compared := c.other == e
	if compared { // it is the room, or one more such message
		c.of.overtaken = 0
	} else {
		b.pace.refused(now)
	}
	if !compared && !single {
		return false
	}
	if e.waits++; e.waits >= mostWaits {
		e.tries, e.why = max(e.tries, maxTries), why
		b.yieldSlots()
	}
	switch {
	case compared:
	case e.overtaken >= mostOvertaken, e.refused < b.lastShown && e.waits >= patientWaits:
		return true
	case e.overtaken > 0, e.waits >= mostWaits && e.waits%2 == mostWaits%2:
		b.comparison = comparison{of: e}
	}
	return false
}

// another returns the message that is to be sent right after another one was refused: the
// one that has failed the least, since it may be such a message, too.
func (b *Outbox) another(now time.Time) *entry {
	of := b.comparison.of
	if of == nil || b.comparison.other != nil {
		return nil
	}
	var other *entry
	for _, e := range b.queue {
		if e != of && (e.state == waiting || e.state == setAside) && !b.holds(e, now) && (other == nil || e.tries+e.waits < other.tries+other.waits) {
			other = e
		}
	}
	if b.comparison.other = other; other == nil {
		b.comparison = comparison{} // later the room may take any
	}
	return other
}

// accepted takes that the room has shown e. If that was sent right after another one was
// refused, it says that it may not have been for the pace.
func (b *Outbox) accepted(e *entry, now time.Time) {
	if b.comparison.other != e {
		b.pace.accepted(e.sentAt, now)
		return
	}
	b.comparison.of.overtaken++
	b.comparison.of.waits = 0
	b.comparison = comparison{}
	b.pace.last = e.sentAt
}
