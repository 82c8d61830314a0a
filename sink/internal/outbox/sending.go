package outbox

import (
	"slices"
	"time"
)

// state says what is to be done with an entry.
type state int

const (
	waiting     state = iota // for its turn to be sent
	outstanding              // sent, and neither shown nor refused
	setAside                 // it has failed while others did not, perhaps: to be sent alone
	over                     // settled
)

// sending is the way out: what is sent when.
type sending struct {
	link        Link
	from        string // our address in the room, as long as there is a link
	pace        pacer
	in          [over + 1]int // how many entries are in each state
	count       uint64        // of all messages sent
	lastShown   uint64        // number of the last one that was shown live
	alone       *entry        // what is sent alone
	stuck       bool          // nothing was shown for long, and others wait
	blocked     bool          // what is outstanding holds up what is to be sent alone
	first       *entry        // the oldest that is outstanding
	oldest      time.Time     // since when it is the oldest
	silentSince time.Time     // zero: we may send
	comparison  comparison
	handling
}

// to changes the state of an entry.
func (s *sending) to(e *entry, next state) {
	s.in[e.state]--
	s.in[next]++
	if e.state = next; s.alone == e && next != outstanding {
		s.alone = nil
	}
}

// sendWaiting sends what may be sent now.
func (b *Outbox) sendWaiting(now time.Time) {
	before := b.count
	for b.admit(); b.link != nil; b.admit() {
		e := b.next(now)
		switch {
		case e == nil:
			if b.count > before {
				b.link.Send()
			}
			return
		case !e.sent && isClosed(e.Lost):
			b.settle(e, Result{Outcome: Dropped, Err: ErrLost})
			b.notify()
		case !e.shownBefore && b.shownIDs.has(e.id): // another worker has shown it meanwhile
			b.settle(e, Result{Outcome: Suppressed})
			b.notify()
		case e.others.accompanies != "" && !b.corrects(e.others.accompanies):
			b.settle(e, Result{Outcome: Suppressed})
			b.notify()
		case e.digest != nil && !b.compose(e):
			b.notify()
		default:
			b.send(e, now)
		}
	}
}

// next returns the message that is to be sent now: the oldest that waits for its
// turn, or, before that, one that has failed, if it is to be tried alone.
func (b *Outbox) next(now time.Time) *entry {
	if !b.silentSince.IsZero() {
		return nil
	}
	if e := b.another(now); e != nil {
		return e
	}
	if b.in[waiting]+b.in[setAside] == 0 || b.alone != nil || !b.pace.allows(b.in[outstanding], now) {
		return nil
	}
	if e := b.trial(now); e != nil {
		if b.in[outstanding] > 0 {
			return nil
		}
		b.alone = e
		return e
	}
	if b.in[waiting] == 0 {
		return nil
	}
	e := b.queue[slices.IndexFunc(b.queue, func(e *entry) bool { return e.state == waiting })]
	if b.holds(e, now) {
		return nil
	}
	return e
}

func (b *Outbox) send(e *entry, now time.Time) {
	if e.others.corrects != "" { // anew each time: that may have been lost meanwhile, or shown by another worker
		e.Replaces = b.replaced(e.others.corrects)
	}
	if e.Replaces == "" { // it stays a message: what was to accompany a correction is not posted any more
		e.others.corrects = ""
	}
	if b.in[outstanding] == 1 && b.first != nil && b.first.nth <= b.handled {
		b.oldest = now // e has its time to prove whose fault it is that the first is not shown
	}
	b.link.Post(e.id, e.Content)
	b.count++
	e.sent, e.sentAt, e.from, e.nth = true, now, b.from, b.count
	b.to(e, outstanding)
	b.pace.sent(now)
	b.noteOldest(now)
}

// noteOldest notes which message is the oldest now.
func (b *Outbox) noteOldest(now time.Time) {
	if b.first != nil && b.first.state == outstanding {
		return
	}
	if first := b.front(); first != b.first {
		b.first, b.oldest = first, now
	}
}

// due is when something may be sent that may not be sent now, zero if nothing waits
// for its time.
func (b *Outbox) due(now time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	var at time.Time
	if b.link == nil || b.alone != nil || !b.silentSince.IsZero() {
		return at
	}
	if b.in[waiting]+b.in[setAside] > 0 && now.Before(b.pace.next) {
		at = b.pace.next
	}
	at = sooner(at, b.awaitsDigest(now))
	for _, e := range b.queue {
		if e.state == setAside && e.proven {
			at = sooner(at, e.notBefore)
		}
	}
	return at
}

// sooner is the earlier of two times, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
