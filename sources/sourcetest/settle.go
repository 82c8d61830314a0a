package sourcetest

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// testSettleOnce: the first verb counts, the others do nothing.
func testSettleOnce(t *testing.T, b Broker) {
	src := feed(t, b, records(0, 5)...)
	var durable atomic.Int32
	for _, d := range Next(t, src, 5) {
		for range 2 {
			if err := d.Ack(func() { durable.Add(1) }); err != nil {
				t.Fatalf("ack %s: %v", d.Place(), err)
			}
		}
		if err := d.Release(0); err != nil {
			t.Errorf("release after ack: %v", err)
		}
		if err := d.Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}); err != nil {
			t.Errorf("reject after ack: %v", err)
		}
	}
	settles(t, b, 5)
	if again := untilMarkers(t, b, src); len(again) > 0 {
		t.Errorf("received %v again after ack", again)
	}
	if letters, err := b.DeadLetters(t.Context()); err != nil || len(letters) > 0 {
		t.Errorf("%d dead letters (error: %v), want none", len(letters), err)
	}
	shut(t, src)
	if n := durable.Load(); n != 5 {
		t.Errorf("durable was called %d times for 5 deliveries, each acknowledged twice", n)
	}
}

// testDurable: the source tells when an acknowledgement cannot be lost any
// more, by itself while it is open, and at the latest when it is closed. By
// then the broker knows of it.
func testDurable(t *testing.T, b Broker) {
	const n = 20
	src := feed(t, b, records(0, n)...)
	batch := Next(t, src, n)
	var durable atomic.Int32
	for _, d := range batch[:n-1] {
		if err := d.Ack(func() { durable.Add(1) }); err != nil {
			t.Fatalf("ack %s: %v", d.Place(), err)
		}
	}
	Eventually(t, "all but one acknowledgements are durable", func() bool {
		return durable.Load() == n-1
	})
	settles(t, b, n-1) // without Close
	if err := batch[n-1].Ack(func() { durable.Add(1) }); err != nil {
		t.Fatalf("ack %s: %v", batch[n-1].Place(), err)
	}
	shut(t, src)
	if got := durable.Load(); got != n {
		t.Errorf("%d acknowledgements are durable after close, want %d", got, n)
	}
	settles(t, b, n)
}

// testSettleConcurrently: deliveries are settled from any goroutine, also
// while Receive blocks.
func testSettleConcurrently(t *testing.T, b Broker) {
	const n = 200
	src := feed(t, b, records(0, n)...)
	var wg sync.WaitGroup
	for left := n; left > 0; {
		batch := Next(t, src, min(left, 20))
		left -= len(batch)
		for _, d := range batch {
			wg.Go(func() {
				if err := d.Ack(func() {}); err != nil {
					t.Errorf("ack %s: %v", d.Place(), err)
				}
			})
		}
	}
	wg.Wait()
	settles(t, b, n)
}

// testAckForwards: an acknowledgement covers its own message and what was
// acknowledged before it, never one that was not.
func testAckForwards(t *testing.T, b Broker) {
	const n = 20
	publish(t, b, records(0, n)...)
	src := open(t, b)
	gap := map[int]bool{} // partitions in which a message was left out
	var want, never []string
	for i, d := range Next(t, src, n) {
		if i == 5 || i == 6 || i == 15 {
			gap[d.Partition] = true
			want = append(want, d.Envelope.ID)
			continue
		}
		Ack(t, d)
		if b.Features().PerMessage || !gap[d.Partition] {
			never = append(never, d.Envelope.ID)
		}
	}
	shut(t, src)

	src = open(t, b)
	got := receiveUntil(t, b, src, want)
	for _, id := range never {
		if slices.Contains(got, id) {
			t.Errorf("notification %s came again after ack", id)
		}
	}
}

// receiveUntil receives and acknowledges until all of want have come and
// nothing more does before the markers, and returns all that came.
func receiveUntil(t *testing.T, b Broker, src sources.Source, want []string) []string {
	t.Helper()
	var got []string
	for missing := slices.Clone(want); len(missing) > 0; {
		batch := Next(t, src, 1)
		Ack(t, batch...)
		got = append(got, ids(batch)...)
		missing = slices.DeleteFunc(missing, func(id string) bool { return slices.Contains(got, id) })
	}
	return append(got, untilMarkers(t, b, src)...)
}

// testRelease: what is released comes again; to this source where the
// broker can do that, else to the next one.
func testRelease(t *testing.T, b Broker) {
	src := feed(t, b, records(0, 4)...)
	for _, d := range Next(t, src, 4) {
		if err := d.Release(0); err != nil {
			t.Fatalf("release %s: %v", d.Place(), err)
		}
	}
	switch f := b.Features(); {
	case f.AtMostOnce:
		checkGone(t, b, src)
		return
	case !f.PerMessage:
		shut(t, src)
		src = open(t, b)
	}
	again := Next(t, src, 4)
	for _, d := range again {
		if b.Features().PerMessage && d.Attempt != 2 {
			t.Errorf("attempt %d after release, want 2", d.Attempt)
		}
	}
	Ack(t, again...)
	settles(t, b, 4)
}

// checkGone expects that what was released does not come again, and does
// not count as settled.
func checkGone(t *testing.T, b Broker, src sources.Source) {
	t.Helper()
	if again := untilMarkers(t, b, src); len(again) > 0 {
		t.Errorf("received %v again from a broker that stores nothing", again)
	}
	settles(t, b, markers)
}

// testCloseReleases: Close keeps what was acknowledged and releases the
// rest, without waiting for any lease.
func testCloseReleases(t *testing.T, b Broker) {
	const n = 30
	publish(t, b, records(0, n)...)
	src := open(t, b)
	batch := Next(t, src, n)
	Ack(t, batch[:10]...)
	shut(t, src)

	src = open(t, b)
	receiveUntil(t, b, src, ids(batch[10:]))
	settles(t, b, n+markers)
}

// testSettleAfterClose: late verbs neither panic nor block, and if they do not
// fail they do what they always do for the caller.
func testSettleAfterClose(t *testing.T, b Broker) {
	src := feed(t, b, records(0, 3)...)
	batch := Next(t, src, 3)
	shut(t, src)
	var durable atomic.Int32
	err := batch[0].Ack(func() { durable.Add(1) })
	if n := durable.Load(); (err == nil) != (n == 1) {
		t.Errorf("durable was called %d times by an ack with error %v", n, err)
	}
	_ = batch[1].Release(0)
	_ = batch[2].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected})
	if err := closeSource(t.Context(), src); err != nil {
		t.Errorf("second close: %v", err)
	}
	if !b.Features().AtMostOnce {
		receiveUntil(t, b, open(t, b), ids(batch))
	}
}
