package outbox

import (
	"slices"
	"time"
)

// Digests are sent one at a time, and made when nothing is in flight: what is urgent waits
// for one at most, or for a few singles, and a server that dies leaves one in doubt. Where
// the room has no archive, the next one also waits until it is certain that others have
// got the last one (see recent).

// holdAtMost is how long a message holds up digests. The room may never show it, and
// only a later message proves that.
const holdAtMost = 10 * time.Second

// hold is what holds up digests.
type hold struct {
	unarchived bool          // the room has no archive: what a server forgets is posted again
	last       time.Time     // when the room has shown one in this session, zero: never
	over       chan struct{} // closed when nothing holds them up; nil: nobody waits
}

// SetArchive says whether the room has an archive, which recalls what a server that
// dies has shown.
func (b *Outbox) SetArchive(archive bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.digests.hold.unarchived = !archive
}

// HoldsDigests returns nil if a digest that is submitted now is sent as soon as other
// messages are. Else it returns a channel that is closed when that is so: before that, it is
// better to gather more for it.
func (b *Outbox) HoldsDigests() (until <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.canSendDigest(time.Now()) {
		return nil
	}
	if b.digests.hold.over == nil {
		b.digests.hold.over = make(chan struct{})
		b.notify() // it may be a matter of time
	}
	return b.digests.hold.over
}

// endHold tells those who wait that a digest would be sent at once.
func (b *Outbox) endHold(now time.Time) {
	if b.digests.hold.over != nil && b.canSendDigest(now) {
		close(b.digests.hold.over)
		b.digests.hold.over = nil
	}
}

func (b *Outbox) canSendDigest(now time.Time) bool {
	failing := slices.ContainsFunc(b.queue, func(e *entry) bool { return e.failing() }) // the next digest may be the proof
	return (b.link != nil && b.busyUntil(now).IsZero() || failing) &&
		!slices.ContainsFunc(b.queue, func(e *entry) bool { return e.digest != nil && e.state == waiting && !e.failing() }) &&
		!slices.ContainsFunc(b.slots.ahead, func(m Message) bool { return len(m.Members) > 0 })
}

// awaitsDigest is until when a digest is held up that somebody has, or waits to make,
// zero if there is none.
func (b *Outbox) awaitsDigest(now time.Time) (until time.Time) {
	switch {
	case b.digests.hold.over != nil:
		return b.busyUntil(now)
	case len(b.digests.parts) > 0:
		return b.heldUntil(now)
	default:
		return until
	}
}

// busyUntil is until when it is better to gather more, unless something happens before:
// until nothing is in flight. Zero: it is not.
func (b *Outbox) busyUntil(now time.Time) time.Time {
	return after(now, later(b.heldUntil(now), b.heldBy(func(*entry) bool { return true })))
}

// heldUntil is until when no digest is sent unless something happens before, zero if
// one may be sent.
func (b *Outbox) heldUntil(now time.Time) time.Time {
	until := b.heldBy(func(e *entry) bool { return e.Names != "" })
	if last := b.digests.hold.last; b.digests.hold.unarchived && !last.IsZero() && !b.alive.After(last.Add(recentFor)) {
		until = later(until, last.Add(holdAtMost))
	}
	return after(now, until)
}

// holds reports whether e is a digest that must not be sent now.
func (b *Outbox) holds(e *entry, now time.Time) bool {
	return e.digest != nil && len(e.digest.parts) > 1 && !b.heldUntil(now).IsZero()
}

// heldBy is until when such messages in flight hold up digests.
func (b *Outbox) heldBy(is func(*entry) bool) (until time.Time) {
	for _, e := range b.queue {
		if e.state == outstanding && is(e) {
			until = later(until, e.sentAt.Add(holdAtMost))
		}
	}
	return until
}

// after returns t if it is to come, else zero.
func after(now, t time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return time.Time{}
}
