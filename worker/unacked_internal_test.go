package worker

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What is in flight may be refused again and again until something later is shown. So
// one place is enough for a delivery of several, although not at once.
func TestMoreThanFitGoWhenThereIsAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := &unacked{limit: func() int { return 2 }, yielded: func() int { return 0 }}
		share := &unackedShare{all: all}
		all.shares = map[string]*unackedShare{"a source": share}
		begin := time.Now()
		if !share.acquire(t.Context(), nil, 1) || time.Since(begin) > 0 {
			t.Fatal("there is room for one")
		}
		if !share.acquire(t.Context(), nil, 3) || time.Since(begin) != lookAgain {
			t.Errorf("three go after %s", time.Since(begin))
		}
	})
}

// A room that refuses all that is in flight lets others have the slots, later: its
// limit rises, and whoever waits goes on, although nothing was settled.
func TestARisenLimitIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var limit atomic.Int64
		limit.Store(2)
		all := &unacked{limit: func() int { return int(limit.Load()) }, yielded: func() int { return 0 }}
		share := &unackedShare{all: all}
		all.shares = map[string]*unackedShare{"a source": share}
		if !share.acquire(t.Context(), nil, 2) {
			t.Fatal("there is room for two")
		}
		acquired := make(chan bool, 1)
		go func() { acquired <- share.acquire(t.Context(), nil, 1) }()
		time.Sleep(2 * lookAgain)
		limit.Store(4)
		time.Sleep(2 * lookAgain)
		select {
		case ok := <-acquired:
			if !ok {
				t.Error("not acquired")
			}
		default:
			t.Error("still waiting")
			share.release(2, 0)
		}
	})
}

// Behind what the room does not show all others were shown, and wait for their
// acknowledgement. One more is sent, which may prove that the room is well, although its
// history has become shorter meanwhile; and another one if that proof no longer counts, as
// in a new session.
func TestOneMoreMayProveThatTheRoomIsWell(t *testing.T) {
	t.Parallel()
	limit, await := 4, 1
	all := &unacked{limit: func() int { return limit }, yielded: func() int { return 1 }, await: func() int { return await }}
	share := &unackedShare{all: all}
	all.shares = map[string]*unackedShare{"a source": share}
	may := func() bool { return share.tryAcquire(1, true) == nil }
	for range limit {
		if !may() {
			t.Fatal("there is room")
		}
	}
	if may() {
		t.Error("sent although others are to be shown")
	}
	share.show(3)
	limit = 2
	if !may() {
		t.Error("nothing can prove that the room is well")
	}
	if may() {
		t.Error("more than one is on its way")
	}
	share.show(1)
	await = 0
	if may() {
		t.Error("more than the proof")
	}
	await = 1
	if !may() {
		t.Error("nothing more, although another proof is awaited")
	}
}
