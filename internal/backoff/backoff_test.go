package backoff_test

import (
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
)

// ceiling returns the longest of many pauses that a fresh Backoff gives after
// so many others.
func ceiling(t *testing.T, before int, b backoff.Backoff, next func(*backoff.Backoff) time.Duration) time.Duration {
	t.Helper()
	longest := time.Duration(0)
	for range 2000 {
		fresh := b
		for range before {
			fresh.Next()
		}
		pause := next(&fresh)
		if pause < min(b.Min, b.Max/2) || pause > b.Max {
			t.Fatalf("a pause of %v, outside %v to %v", pause, b.Min, b.Max)
		}
		longest = max(longest, pause)
	}
	return longest
}

func TestPausesGrowUpToTheLongest(t *testing.T) {
	t.Parallel()
	b := backoff.Backoff{Min: 100 * time.Millisecond, Max: 10 * time.Second}
	for before, want := range map[int]time.Duration{0: 200 * time.Millisecond, 1: 400 * time.Millisecond, 6: 10 * time.Second, 1000: 10 * time.Second} {
		if got := ceiling(t, before, b, (*backoff.Backoff).Next); got > want || got < want*8/10 {
			t.Errorf("after %d pauses the longest is %v, want about %v", before, got, want)
		}
	}
}

func TestWhatLastsIsTriedRarelyFromTheStart(t *testing.T) {
	t.Parallel()
	b := backoff.Backoff{Min: 100 * time.Millisecond, Max: 10 * time.Second}
	if got := ceiling(t, 0, b, (*backoff.Backoff).NextSlow); got < 8*time.Second {
		t.Errorf("the longest is %v", got)
	}
}

func TestAfterASuccessPausesAreShortAgain(t *testing.T) {
	t.Parallel()
	b := backoff.Backoff{Min: time.Millisecond, Max: time.Hour}
	for range 20 {
		b.Next()
	}
	b.Reset()
	if pause := b.Next(); b.Pauses() != 1 || pause > 2*time.Millisecond {
		t.Errorf("%d pauses, the next is %v", b.Pauses(), pause)
	}
}

func TestALongestBelowTheShortestIsObeyed(t *testing.T) {
	t.Parallel()
	b := backoff.Backoff{Min: time.Second, Max: 10 * time.Millisecond}
	for range 100 {
		if pause := b.Next(); pause > 10*time.Millisecond {
			t.Fatalf("a pause of %v", pause)
		}
	}
}
