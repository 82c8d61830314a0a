package kafka

import "sync"

// tracker knows which of the messages handed out from one partition have been
// settled, and up to where the partition may be committed: to just behind the
// longest settled run from the beginning, in the order in which the messages
// were read. Offsets may have gaps (compaction, transaction markers) and may
// even begin anew (the topic was recreated), so they are only carried along.
//
// It holds a bounded number of messages that are pending or not yet committed,
// which bounds memory and what a crash can repeat.
type tracker struct {
	mu    sync.Mutex
	limit int
	slots []slot // a ring, indexed by sequence number, that grows up to limit
	// committed <= settled <= next: the messages before committed are
	// committed, those before settled are settled without a hole.
	committed, settled, next uint64
	behind                   mark // behind the settled run
	open                     int  // handed out, and neither settled nor released
	over                     bool // nothing will be committed any more
}

type slot struct {
	mark    mark
	done    bool
	durable func() // to be called once the message is committed; may be nil
}

func newTracker(limit int) *tracker { return &tracker{limit: limit} }

func (t *tracker) slot(seq uint64) *slot { return &t.slots[seq%uint64(len(t.slots))] }

// room returns how many more messages may be handed out.
func (t *tracker) room() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limit - t.span()
}

// span counts the messages that are pending or not yet committed.
func (t *tracker) span() int {
	return int(t.next - t.committed) //nolint:gosec // it is at most the limit
}

// grow makes slots for n more messages.
func (t *tracker) grow(n int) {
	need := t.span() + n
	if need <= len(t.slots) {
		return
	}
	old := &tracker{slots: t.slots}
	t.slots = make([]slot, min(max(need, 2*len(t.slots)), t.limit))
	for seq := t.committed; seq < t.next; seq++ {
		*t.slot(seq) = *old.slot(seq)
	}
}

// add notes that leases are handed out, in this order, and numbers them. The caller
// has made sure that there is room.
func (t *tracker) add(leases []*lease) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grow(len(leases))
	for _, l := range leases {
		l.seq = t.next
		*t.slot(l.seq) = slot{mark: l.mark}
		t.next++
	}
	t.open += len(leases)
}

// settle marks the message as done, and reports whether that is worth a look:
// there is more to commit, or nothing is pending any more. durable, which may be
// nil, is called when the message is committed or the tracker has ended.
func (t *tracker) settle(seq uint64, durable func()) bool {
	look, over := t.markDone(seq, durable)
	if over && durable != nil {
		durable()
	}
	return look
}

func (t *tracker) markDone(seq uint64, durable func()) (look, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
	if t.over {
		return false, true
	}
	s := t.slot(seq)
	s.done, s.durable = true, durable
	before := t.settled
	for t.settled < t.next && t.slot(t.settled).done {
		t.behind = t.slot(t.settled).mark
		t.settled++
		t.behind.seq = t.settled
	}
	return t.settled > before || t.open == 0, false
}

// release marks the message as never to be done. The partition is not
// committed beyond it. It reports whether nothing is pending any more.
func (t *tracker) release() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
	return t.open == 0
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
	t.mu.Unlock()
	callAll(done)
}

// clean reports that all messages that were settled are committed, and that the
// others have been released: nobody else will see again what has been sent.
func (t *tracker) clean() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open > 0 {
		return false
	}
	for seq := t.committed; seq < t.next; seq++ {
		if t.slot(seq).done {
			return false
		}
	}
	return true
}

// end says that nothing will be committed any more. It reports what is settled,
// since nothing better will become of it.
func (t *tracker) end() {
	t.mu.Lock()
	done := t.reports(t.next)
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

// uncommitted counts the messages that could be committed now.
func (t *tracker) uncommitted() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int(t.settled - t.committed) //nolint:gosec // it is at most the number of slots
}

// pending counts the messages that are handed out and neither settled nor released.
func (t *tracker) pending() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}
