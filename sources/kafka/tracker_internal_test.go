package kafka

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTrackerCommitsOnlyTheSettledRun(t *testing.T) {
	tr := newTestTracker(4)
	a, b, c := tr.add(10), tr.add(12), tr.add(40)
	if tr.settle(b, nil); tr.isDirty() {
		t.Error("settling the second message is no progress")
	}
	if m, ok := tr.progress(); ok {
		t.Errorf("can commit %v before the first message is settled", m)
	}
	if tr.settle(a, nil); !tr.isDirty() {
		t.Error("settling the first message is progress")
	}
	m, ok := tr.progress()
	if !ok || m.offset != 13 {
		t.Fatalf("can commit %v, want offset 13", m)
	}
	tr.add(41)
	if tr.hasSpace() {
		t.Error("there is room before the commit")
	}
	tr.commit(m)
	if !tr.hasSpace() {
		t.Error("no room after the commit")
	}
	if tr.release(); tr.isDirty() || tr.pending() != 1 {
		t.Error("a released message is still pending")
	}
	if tr.settle(c, nil); !tr.isDirty() || tr.pending() != 0 {
		t.Error("a settled message is still pending")
	}
	if m, _ := tr.progress(); m.offset != 41 {
		t.Errorf("can commit %v, want offset 41: the released message stays", m)
	}
}

func TestTrackerFollowsOffsetsThatBeginAnew(t *testing.T) {
	tr := newTestTracker(4)
	for _, offset := range []int64{900, 0} {
		tr.settle(tr.add(offset), nil)
	}
	if m, ok := tr.progress(); !ok || m.offset != 1 {
		t.Errorf("can commit %v, want offset 1 of the recreated topic", m)
	}
}

// TestTrackerRandomly settles in random order and compares with a plain list.
func TestTrackerRandomly(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // reproducible on purpose
		checkRandomly(t, rng, 1+rng.IntN(64))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkRandomly(t *testing.T, rng *rand.Rand, limit int) {
	type entry struct {
		seq    uint64
		offset int64
	}
	tr := newTestTracker(limit)
	var list, out []entry
	done, durable := map[uint64]bool{}, map[uint64]int{}
	offset, committed := int64(0), 0
	for range 500 {
		switch rng.IntN(4) {
		case 0, 1:
			if got, want := !tr.hasSpace(), len(list)-committed == limit; got != want {
				t.Fatalf("full is %v, want %v", got, want)
			}
			if !tr.hasSpace() {
				continue
			}
			offset += 1 + rng.Int64N(5)
			e := entry{tr.add(offset), offset}
			list, out = append(list, e), append(out, e)
		case 2:
			if len(out) > 0 {
				i := rng.IntN(len(out))
				seq := out[i].seq
				tr.settle(seq, func() { durable[seq]++ })
				done[seq] = true
				out = append(out[:i], out[i+1:]...)
			}
		default:
			run := 0
			for run < len(list) && done[list[run].seq] {
				run++
			}
			m, ok := tr.progress()
			if ok != (run > committed) || ok && m.offset != list[run-1].offset+1 {
				t.Fatalf("can commit %v (%v), want the first %d of %v", m, ok, run, list)
			}
			if rng.IntN(3) > 0 { // else the commit failed
				tr.commit(m)
				committed = run
			}
		}
		if tr.pending() != len(out) || len(durable) != committed {
			t.Fatalf("%d out, %d durable; want %d, %d", tr.pending(), len(durable), len(out), committed)
		}
	}
	tr.end()
	for _, e := range out {
		tr.settle(e.seq, func() { durable[e.seq]++ })
	}
	for _, e := range list {
		if durable[e.seq] != 1 {
			t.Fatalf("message %d was reported durable %d times", e.seq, durable[e.seq])
		}
	}
}

func TestDurableIsCalledOnceWhenCommittedOrOver(t *testing.T) {
	tr := newTestTracker(8)
	calls := make([]int, 4)
	for i := range calls {
		tr.add(int64(i))
	}
	for _, seq := range []uint64{0, 1, 3} {
		tr.settle(seq, func() { calls[seq]++ })
	}
	m, _ := tr.progress()
	tr.commit(m)
	if want := []int{1, 1, 0, 0}; !slices.Equal(calls, want) {
		t.Errorf("after the commit of two: %v, want %v", calls, want)
	}
	tr.end()
	tr.settle(2, func() { calls[2]++ })
	if want := []int{1, 1, 1, 1}; !slices.Equal(calls, want) {
		t.Errorf("at the end: %v, want %v", calls, want)
	}
}

// What waits is bounded by number and by size, but for a single message.
func TestQueueIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ size, want int }{
		"many small": {100, queueLimit},
		"few large":  {maxQueueBytes / 4, 4},
		"one huge":   {3 * maxQueueBytes, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTestTracker(spanLimit)
			fill := func() (n int) {
				for tr.hasSpace() {
					tr.put(&lease{size: c.size}, mark{})
					n++
				}
				return n
			}
			if n := fill(); n != c.want {
				t.Errorf("%d wait, want %d", n, c.want)
			}
			tr.take(nil, 1, whatever)
			select {
			case <-tr.space:
			default:
				t.Error("who waits for space is not told")
			}
			if n := fill(); n != 1 {
				t.Errorf("there is room for %d after one has left", n)
			}
		})
	}
}

// Offsets without a message are done as soon as what is before them is, and nobody
// needs to take them.
func TestEmptyOffsetsAreSettledByThemselves(t *testing.T) {
	tr := newTestTracker(spanLimit)
	tr.put(nil, mark{offset: 5})
	if m, ok := tr.progress(); !ok || m.offset != 5 || !tr.isDirty() || tr.handedOut() != 5 {
		t.Errorf("can commit %v (%v), want offset 5", m, ok)
	}
	tr.commit(mark{seq: 1})
	tr.put(&lease{}, mark{offset: 6})
	tr.put(nil, mark{offset: 9})
	if _, ok := tr.progress(); ok || tr.handedOut() != 5 {
		t.Error("what waits for Receive can be committed")
	}
	batch := tr.take(nil, 1, whatever)
	if tr.settle(1, nil); len(batch) != 1 || tr.handedOut() != 9 {
		t.Errorf("took %d messages up to offset %d, want 1 up to 9", len(batch), tr.handedOut())
	}
	if m, ok := tr.progress(); !ok || m.offset != 9 {
		t.Errorf("can commit %v (%v), want offset 9", m, ok)
	}
}

// testTracker is a tracker of which somebody takes whatever is put.
type testTracker struct {
	*tracker
	dirty chan struct{}
}

func newTestTracker(limit int) testTracker {
	dirty := make(chan struct{}, 1)
	return testTracker{newTracker(limit, 1, make(chan struct{}, 1), dirty), dirty}
}

// add hands out one message, and returns its number.
func (t testTracker) add(offset int64) uint64 {
	l := &lease{}
	t.put(l, mark{offset: offset + 1})
	t.take(nil, 1, whatever)
	return l.seq
}

// isDirty reports that who commits was told, since the last call.
func (t testTracker) isDirty() bool {
	select {
	case <-t.dirty:
		return true
	default:
		return false
	}
}

func (t testTracker) pending() int {
	_, pending := t.counts()
	return pending
}

func whatever(int) bool { return true }
