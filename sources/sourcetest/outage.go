package sourcetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// grace is how long a source may take to close in these tests.
const grace = 2 * time.Second

// testCloseInTime: Close returns by its deadline, whatever is out.
func testCloseInTime(t *testing.T, b Broker) {
	src := feed(t, b, records(0, 20)...)
	batch := Next(t, src, 20)
	Ack(t, batch[:5]...)
	closesInTime(t, src)
}

func closesInTime(t *testing.T, src sources.Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), grace)
	defer cancel()
	start := time.Now()
	if err := src.Close(ctx); err != nil {
		t.Logf("close: %v", err) // it may say what is uncertain
	}
	if took := time.Since(start); took > grace+promptly {
		t.Errorf("close took %v, its deadline was %v", took, grace)
	}
}

// testOutage: the broker goes away and comes back while the source holds
// deliveries. The source finds it again by itself; settling meanwhile does not
// block; what was settled then counts, and is durable only afterwards.
func testOutage(t *testing.T, b Broker) {
	server := b.(Restarter)
	src := feed(t, b, records(0, 3)...)
	batch := Next(t, src, 3)
	Ack(t, batch[0])
	settles(t, b, 1)

	server.Stop(t)
	receivesNothing(t, src)
	var durable atomic.Int32
	start := time.Now()
	if err := batch[1].Ack(func() { durable.Add(1) }); err != nil {
		t.Logf("ack without a broker: %v", err) // it will be delivered again
		durable.Add(1)
	}
	if took := time.Since(start); took > promptly {
		t.Errorf("ack took %v without a broker", took)
	}
	server.Start(t)

	Ack(t, revives(t, b, src, 3)...)
	Ack(t, batch[2])
	Eventually(t, "what was acknowledged meanwhile is durable", func() bool { return durable.Load() == 1 })
	if b.Features().AtMostOnce {
		return // answers may have been lost
	}
	settles(t, b, 4)
}

// receivesNothing expects that a source without its broker says so, in time and without
// deliveries.
func receivesNothing(t *testing.T, src sources.Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	for {
		batch, err := Receive(ctx, src, 10)
		if len(batch) > 0 {
			t.Fatalf("received %v without a broker", ids(batch))
		}
		if ctx.Err() != nil {
			t.Fatalf("not within %v: Receive tells that the broker is away", Patience)
		}
		if err != nil {
			return
		}
	}
}

// testCloseWithoutBroker: a source closes in time although nobody answers, and
// then nobody waits for an acknowledgement to become durable any more.
func testCloseWithoutBroker(t *testing.T, b Broker) {
	server := b.(Restarter)
	src := feed(t, b, records(0, 3)...)
	batch := Next(t, src, 3)
	server.Stop(t)
	var durable atomic.Int32
	if err := batch[0].Ack(func() { durable.Add(1) }); err != nil {
		durable.Add(1)
	}
	closesInTime(t, src)
	if n := durable.Load(); n != 1 {
		t.Errorf("durable was called %d times by the end of close, want once", n)
	}
	server.Start(t)
}
