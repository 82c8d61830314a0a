package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const (
	// spanLimit bounds the messages that are read and not yet committed: the most
	// that a crash can repeat of one partition. It is what is read while two commits
	// go their way, 6 ms each on Kafka 4, which gathers them.
	spanLimit = 4096
	// queueLimit is how many of them wait for Receive.
	queueLimit = 64
	// queueBytes is how large those may be in all partitions, but for one more of
	// each. A partition's part of it is within the other two.
	queueBytes    = 8 << 20
	minQueueBytes = 64 << 10
	maxQueueBytes = 1 << 20
	// yieldPause is how soon others get the memory of a partition that waits.
	yieldPause = 200 * time.Millisecond
)

// tracker holds what was read of one partition and is not yet committed, in the order
// of the log. It knows which messages have been settled, and up to where the partition
// may be committed: to just behind the longest settled run from the beginning. Offsets
// may have gaps (compaction, transaction markers) and may even begin anew (the topic was
// recreated), so they are only carried along.
type tracker struct {
	limit int             // of slots
	bytes int             // of what waits for Receive
	wake  chan<- struct{} // Receive has something to take
	dirty chan<- struct{} // there is more to commit, or nothing is pending any more
	space chan struct{}   // there is room again

	mu    sync.Mutex
	slots []slot // a ring, indexed by sequence number, that grows up to limit
	// committed <= settled <= taken <= read: the slots before committed are committed,
	// those before settled are settled without a hole, those before taken were handed
	// out, and the others wait for Receive.
	committed, settled, taken, read uint64
	behind                          mark  // behind the settled run
	next                            int64 // offset behind what was handed out; negative if it is not known yet
	waiting                         int   // bytes of what waits
	full                            bool  // there was no room
	open                            int   // handed out, and neither settled nor released
	over                            bool  // nothing will be committed any more
}

// slot is a message, or offsets that hold none.
type slot struct {
	mark    mark   // up to where the partition is done with it
	lease   *lease // until it is handed out
	empty   bool   // there is no message
	done    bool
	durable func() // to be called once the message is committed; may be nil
}

// mark is a place in the log up to which a partition can be committed.
type mark struct {
	seq    uint64 // of the first slot that is not settled
	offset int64  // behind the last one that is
	epoch  int32  // of the leader that appended that; negative if unknown
}

// newTracker is for one of so many partitions.
func newTracker(limit, of int, wake, dirty chan<- struct{}) *tracker {
	return &tracker{
		limit: limit, bytes: min(max(queueBytes/max(of, 1), minQueueBytes), maxQueueBytes), next: -1,
		wake: wake, dirty: dirty, space: make(chan struct{}, 1),
	}
}

func (t *tracker) slot(seq uint64) *slot { return &t.slots[seq%uint64(len(t.slots))] }

// hasSpace reports that one more may be put.
func (t *tracker) hasSpace() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.full = t.read-t.committed >= uint64(t.limit) || t.read-t.taken >= queueLimit || t.waiting >= t.bytes //nolint:gosec // not negative
	return !t.full
}

// awaitSpace waits until one more may be put, and reports false if ctx ended
// before. It calls yield now and then.
func (t *tracker) awaitSpace(ctx context.Context, yield func()) bool {
	waiting := time.NewTicker(yieldPause)
	defer waiting.Stop()
	for !t.hasSpace() {
		select {
		case <-t.space:
		case <-waiting.C:
			yield()
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// freed tells who waits for space.
func (t *tracker) freed() {
	if t.full {
		t.full = false
		signal(t.space)
	}
}

// put appends l, which is nil if there is no message up to m; the caller has seen that
// there is space.
func (t *tracker) put(l *lease, m mark) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grow()
	*t.slot(t.read) = slot{mark: m, lease: l, empty: l == nil}
	t.read++
	if l != nil {
		t.waiting += l.size
		if t.taken+1 == t.read {
			signal(t.wake)
		}
	}
	t.skipEmpty()
}

// grow makes room for one more slot.
func (t *tracker) grow() {
	if t.read-t.committed < uint64(len(t.slots)) {
		return
	}
	old := &tracker{slots: t.slots}
	t.slots = make([]slot, min(max(queueLimit, 2*len(t.slots)), t.limit))
	for seq := t.committed; seq < t.read; seq++ {
		*t.slot(seq) = *old.slot(seq)
	}
}

// take appends the first messages to batch, at most limit, and while they fit.
func (t *tracker) take(batch []*sources.Delivery, limit int, fits func(size int) bool) []*sources.Delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ; limit > 0 && t.taken < t.read; limit-- {
		s := t.slot(t.taken)
		if !fits(s.lease.size) {
			break
		}
		s.lease.seq = t.taken
		batch = append(batch, s.lease.delivery)
		t.waiting -= s.lease.size
		s.lease = nil
		t.open++
		t.pass(s)
		t.skipEmpty()
		t.freed()
	}
	return batch
}

// skipEmpty settles what is no message as soon as everything before it is handed out.
func (t *tracker) skipEmpty() {
	before := t.taken
	for t.taken < t.read && t.slot(t.taken).empty {
		s := t.slot(t.taken)
		s.done = true
		t.pass(s)
	}
	if t.taken > before {
		t.extendRun()
		t.freed()
	}
}

// pass notes that the slot at taken is no longer waiting.
func (t *tracker) pass(s *slot) {
	t.taken++
	t.next = s.mark.offset
}

// extendRun goes on with the settled run.
func (t *tracker) extendRun() {
	before := t.settled
	for t.settled < t.taken && t.slot(t.settled).done {
		t.behind = t.slot(t.settled).mark
		t.settled++
		t.behind.seq = t.settled
	}
	if t.settled > before {
		signal(t.dirty)
	}
}

// settle marks a message as done. durable, which may be nil, is called when it is
// committed or the tracker has ended.
func (t *tracker) settle(seq uint64, durable func()) {
	if over := t.markDone(seq, durable); over && durable != nil {
		durable()
	}
}

func (t *tracker) markDone(seq uint64, durable func()) (over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closeOne()
	if t.over {
		return true
	}
	s := t.slot(seq)
	s.done, s.durable = true, durable
	t.extendRun()
	return false
}

// release marks a message as never to be done. The partition is not committed beyond
// it.
func (t *tracker) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closeOne()
}

func (t *tracker) closeOne() {
	if t.open--; t.open == 0 {
		signal(t.dirty)
	}
}

// progress returns what can be committed now, and false if that is nothing new.
func (t *tracker) progress() (mark, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.behind, t.settled > t.committed
}

// commit notes that the broker has stored m.
func (t *tracker) commit(m mark) {
	t.mu.Lock()
	done := t.reports(m.seq)
	t.committed = max(t.committed, m.seq)
	t.freed()
	t.mu.Unlock()
	callAll(done)
}

// end says that nothing will be committed any more. It reports what is settled,
// since nothing better will become of it.
func (t *tracker) end() {
	t.mu.Lock()
	done := t.reports(t.taken)
	t.over = true
	t.mu.Unlock()
	callAll(done)
}

// reports takes the reports that are due for the messages before end. They are
// called without the lock: who is told may just be settling something else.
func (t *tracker) reports(end uint64) []func() {
	var due []func()
	for seq := t.committed; seq < end; seq++ {
		if s := t.slot(seq); s.durable != nil {
			due = append(due, s.durable)
			s.durable = nil
		}
	}
	return due
}

func callAll(reports []func()) {
	for _, report := range reports {
		report()
	}
}

// clean reports that all messages that were settled are committed, and that the
// others have been released: nobody else will see again what has been sent.
func (t *tracker) clean() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open > 0 {
		return false
	}
	for seq := t.committed; seq < t.taken; seq++ {
		if s := t.slot(seq); s.done && !s.empty {
			return false
		}
	}
	return true
}

// counts tells how many slots could be committed now, and how many messages are handed
// out and neither settled nor released.
func (t *tracker) counts() (uncommitted, pending int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int(t.settled - t.committed), t.open //nolint:gosec // it is at most the number of slots
}

// handedOut is the offset behind what was handed out; negative if it is not known yet.
func (t *tracker) handedOut() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}

// begin notes where reading begins.
func (t *tracker) begin(offset int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = offset
}
