package worker

import (
	"context"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// unacked bounds the notifications that are submitted to the room and whose
// acknowledgement is not durable yet. After a crash the brokers redeliver these,
// and the room's history must show which of them are there.
//
// Each source has a few slots of its own, and the sources share the others. So
// one that cannot acknowledge, as behind a dead letter that cannot be written,
// never holds up another.
type unacked struct {
	limit   func() int // what the room's history shows; it may change
	yielded func() int // how many the room does not show and does not wait for any more
	await   func() int // how many of them await a later one, as the proof that the room is well
	shares  map[string]*unackedShare

	mu    sync.Mutex // guards the rest, and the shares
	freed freed
}

// unackedShare is what one source has unacknowledged.
type unackedShare struct {
	all      *unacked
	taken    int
	shown    int // of these, what the room has shown
	overtook int // of these, what has overtaken others, and is acknowledged after them
	beyond   int // of these, how many more than there are, and not shown yet
}

func newUnacked(room Room, list []sources.Source) *unacked {
	u := &unacked{limit: room.HistoryDepth, yielded: room.Yielded, await: room.AwaitProof, shares: map[string]*unackedShare{}}
	for _, s := range list {
		u.shares[s.String()] = &unackedShare{all: u}
	}
	return u
}

// of returns how many notifications of a source are unacknowledged.
func (u *unacked) of(source string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.shares[source].taken
}

// acquire waits until n more notifications of the source may be unacknowledged,
// unless lost is closed or ctx ends before. A delivery with more than fit is sent after
// lookAgain when there is one slot: what takes the others may be a message that the room
// never shows, and only later ones prove that.
func (s *unackedShare) acquire(ctx context.Context, lost <-chan struct{}, n int) bool {
	return await(ctx, lost, func(late bool) <-chan struct{} { return s.tryAcquire(n, !late) })
}

// mayOvertake reports whether n more may overtake others: one of the source's own slots
// is left for these, or for the line that counts them.
func (s *unackedShare) mayOvertake(n int) bool {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	return s.overtook+n < s.all.own()
}

// overtaking are the slots of posts that have overtaken others.
type overtaking struct{ *unackedShare }

// overtake returns the slots of n posts, which they have.
func (s *unackedShare) overtake(n int) overtaking {
	s.change(func() { s.overtook += n })
	return overtaking{s}
}

// release implements slots.
func (o overtaking) release(n, shown int) {
	o.change(func() { o.overtook -= n })
	o.unackedShare.release(n, shown)
}

// tryAcquire takes n slots, or returns a channel that is closed when some are
// free.
func (s *unackedShare) tryAcquire(n int, patient bool) (freed <-chan struct{}) {
	u := s.all
	u.mu.Lock()
	defer u.mu.Unlock()
	if fits := s.fits(n, patient); fits || s.isHeldUp() {
		s.taken += n
		if !fits {
			s.beyond += n
		}
		return nil
	}
	return u.freed.wait()
}

// fits reports whether n more slots are free. One half of the limit is split
// between the sources, the other half is shared. all.mu is held.
func (s *unackedShare) fits(n int, patient bool) bool {
	count := len(s.all.shares)
	limit, own := max(s.all.limit(), count), s.all.own()
	shared := limit - own*count
	for _, other := range s.all.shares {
		if other != s {
			shared -= max(0, other.taken-own)
		}
	}
	if s.taken == 0 && shared == limit-own*count {
		return true // alone in the shared slots, if it needs more than there are
	}
	free := own + max(0, shared) - s.taken
	if s.taken == s.overtook {
		free = max(1, free) // one was left to what they have overtaken; the limit may have fallen since
	}
	return n <= free || !patient && free > 0
}

// own is how many slots each source has of its own.
func (u *unacked) own() int { return max(1, u.limit()/(2*len(u.shares))) }

// isHeldUp reports whether all that the source has unacknowledged is what the room does
// not show, and what it has shown, as behind the first message of a partition of Kafka.
// Then one more than there are slots is sent for each message that awaits it as the proof
// that the room is well: without that nothing is given up. all.mu is held.
func (s *unackedShare) isHeldUp() bool {
	return s.taken-s.shown <= s.all.yielded() && s.beyond < s.all.await()
}

// show implements slots.
func (s *unackedShare) show(n int) {
	s.change(func() {
		s.shown += n
		s.beyond = max(0, s.beyond-n)
	})
}

// release implements slots.
func (s *unackedShare) release(n, shown int) {
	s.change(func() {
		s.taken -= n
		s.shown -= shown
		s.beyond = max(0, s.beyond-(n-shown))
	})
}

// change has everybody who waits look again.
func (s *unackedShare) change(do func()) {
	u := s.all
	u.mu.Lock()
	defer u.mu.Unlock()
	do()
	u.freed.tell()
}
