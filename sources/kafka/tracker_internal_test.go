package kafka

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTrackerCommitsOnlyTheSettledRun(t *testing.T) {
	tr := newTracker(4)
	a, b, c := add(tr, 10), add(tr, 12), add(tr, 40)
	if tr.settle(b, nil) {
		t.Error("settling the second message is no progress")
	}
	if m, ok := tr.progress(); ok {
		t.Errorf("can commit %v before the first message is settled", m)
	}
	if !tr.settle(a, nil) {
		t.Error("settling the first message is progress")
	}
	m, ok := tr.progress()
	if !ok || m.offset != 13 {
		t.Fatalf("can commit %v, want offset 13", m)
	}
	add(tr, 41)
	if !full(tr) {
		t.Error("there is room before the commit")
	}
	tr.commit(m)
	if full(tr) {
		t.Error("no room after the commit")
	}
	if tr.release() || tr.pending() != 1 || !tr.settle(c, nil) || tr.pending() != 0 {
		t.Error("released and settled messages are still pending")
	}
	if m, _ := tr.progress(); m.offset != 41 {
		t.Errorf("can commit %v, want offset 41: the released message stays", m)
	}
}

func TestTrackerFollowsOffsetsThatBeginAnew(t *testing.T) {
	tr := newTracker(4)
	for _, offset := range []int64{900, 0} {
		tr.settle(add(tr, offset), nil)
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
	tr := newTracker(limit)
	var list, out []entry
	done, durable := map[uint64]bool{}, map[uint64]int{}
	offset, committed := int64(0), 0
	for range 500 {
		switch rng.IntN(4) {
		case 0, 1:
			if got, want := full(tr), len(list)-committed == limit; got != want {
				t.Fatalf("full is %v, want %v", got, want)
			}
			if full(tr) {
				continue
			}
			offset += 1 + rng.Int64N(5)
			e := entry{add(tr, offset), offset}
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
	tr := newTracker(8)
	calls := make([]int, 4)
	for i := range calls {
		add(tr, int64(i))
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

// add hands out one message, and returns its number.
func add(tr *tracker, offset int64) uint64 {
	l := &lease{mark: mark{offset: offset + 1}}
	tr.add([]*lease{l})
	return l.seq
}

func full(tr *tracker) bool { return tr.room() == 0 }
