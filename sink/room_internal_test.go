package sink

import (
	"testing"
	"time"
)

// Pauses grow while attempts fail or are short, up to the longest; what needs
// somebody's help is tried rarely from the start.
func TestPausesGrow(t *testing.T) {
	b := backoff{longest: 30 * time.Second}
	for i, ceiling := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second} {
		if got := b.next(false); got < shortestPause || got > ceiling {
			t.Errorf("pause %d is %s, want %s to %s", i+1, got, shortestPause, ceiling)
		}
	}
	b.reset()
	if got := b.next(false); got > time.Second {
		t.Errorf("after a reset the pause is %s", got)
	}
	sum := time.Duration(0)
	for range 1000 {
		b.reset()
		sum += b.next(true)
	}
	if mean := sum / 1000; mean < 10*time.Second || mean > 20*time.Second {
		t.Errorf("the mean of lasting pauses is %s", mean)
	}
	kick := &Error{Op: "stay", Err: &RemovedError{Code: statusKicked}}
	if calm(kick) <= calm(errClosed) {
		t.Error("a kick is forgotten as soon as a lost connection")
	}
}
