package sourcetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// testMessage: a delivery tells all that the broker knows about it.
func testMessage(t *testing.T, b Broker) {
	r := records(7, 8)[0]
	r.Header = []envelope.Header{{Key: "traceparent", Value: "00-1-2-00"}}
	d := Next(t, feed(t, b, r), 1)[0]
	switch {
	case d.Malformed != nil:
		t.Errorf("malformed: %v", d.Malformed)
	case d.Envelope.ID != "7" || d.Envelope.Message != "number 7":
		t.Errorf("envelope %+v", d.Envelope)
	case string(d.Body) != string(r.Body):
		t.Errorf("body %q, want %q", d.Body, r.Body)
	case d.Get("Traceparent") != "00-1-2-00":
		t.Errorf("headers %v lack the publisher's", d.Header)
	case d.Broker == "" || d.Topic == "":
		t.Errorf("place %q is incomplete", d.Place())
	case d.Attempt != 1:
		t.Errorf("attempt %d, want 1", d.Attempt)
	case time.Since(d.Time).Abs() > time.Hour:
		t.Errorf("time %v, want about now", d.Time)
	}
	Ack(t, d)
}

// testLimit: a batch is never larger than asked for, and all of it comes.
func testLimit(t *testing.T, b Broker) {
	src := feed(t, b, records(0, 50)...)
	seen := map[string]bool{}
	for _, limit := range []int{1, 3, 20, 26} {
		for _, d := range Next(t, src, limit) {
			seen[d.Envelope.ID] = true
			Ack(t, d)
		}
	}
	if len(seen) != 50 {
		t.Errorf("received %d different notifications of 50", len(seen))
	}
	settles(t, b, 50)
}

// testLimitBytes: a batch is not larger than asked for either, unless that is one
// message, and all of it comes.
func testLimitBytes(t *testing.T, b Broker) {
	const n = 40
	src := feed(t, b, records(0, n)...)
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	for left, limit := n, (sources.Limit{Messages: n, Bytes: 1}); left > 0; limit.Bytes = min(2*limit.Bytes, 500) {
		batch, err := src.Receive(ctx, limit)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d are missing; last error: %v", left, n, err)
		}
		bytes := 0
		for _, d := range batch {
			bytes += len(d.Body)
		}
		if len(batch) > 1 && bytes > limit.Bytes {
			t.Errorf("received %d deliveries of %d bytes with a limit of %d bytes", len(batch), bytes, limit.Bytes)
		}
		Ack(t, batch...)
		left -= len(batch)
	}
	settles(t, b, n)
}

// testOrder: the offsets of a partition only rise.
func testOrder(t *testing.T, b Broker) {
	const n = 500
	src := feed(t, b, records(0, n)...)
	for last, left := map[int]uint64{}, n; left > 0; {
		batch := Next(t, src, min(left, 7))
		left -= len(batch)
		for _, d := range batch {
			if before, ok := last[d.Partition]; ok && d.Offset <= before {
				t.Errorf("%s came after offset %d", d.Place(), before)
			}
			last[d.Partition] = d.Offset
		}
		Ack(t, batch...)
	}
	settles(t, b, n)
}

// testBacklog: what was not asked for is free for others.
func testBacklog(t *testing.T, b Broker) {
	publish(t, b, records(0, 20)...)
	first := Next(t, open(t, b), 3)
	second := Next(t, open(t, b), 17)
	Ack(t, first...)
	Ack(t, second...)
	settles(t, b, 20)
}

// testReceiveEnds: Receive ends with its context, at once and empty-handed, and
// the source stays usable.
func testReceiveEnds(t *testing.T, b Broker) {
	src := feed(t, b, records(0, 1)...)
	Ack(t, Next(t, src, 1)...)
	for _, wait := range []time.Duration{0, 10 * time.Millisecond, silence} {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		batch, err := Receive(ctx, src, 10)
		late := time.Since(deadline(ctx))
		cancel()
		if len(batch) > 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %d deliveries and error %v, want none and %v", len(batch), err, context.DeadlineExceeded)
		}
		if late > promptly {
			t.Errorf("returned %v after its context ended", late)
		}
	}
	again := revives(t, b, src, 1)
	Ack(t, again...)
	if !b.Features().AtMostOnce {
		settles(t, b, 2)
	}
}

// testStop: what a source has not handed over by its Stop, others get, and what it
// has handed over stays its own until Close.
func testStop(t *testing.T, b Broker) {
	const n = 10
	src := feed(t, b, records(0, n)...)
	batch := Next(t, src, n)
	ctx, cancel := context.WithTimeout(t.Context(), silence)
	defer cancel()
	if more, err := Receive(ctx, src, 10); len(more) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %d more and error %v", len(more), err)
	}
	src.Stop()
	src.Stop() // does nothing
	other := open(t, b)
	publish(t, b, records(n, 2*n)...)
	Ack(t, Next(t, other, n)...)
	Ack(t, batch...)
	settles(t, b, 2*n)
}

func deadline(ctx context.Context) time.Time {
	d, _ := ctx.Deadline()
	return d
}
