package sourcetest

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const (
	// Patience is how long anything may take that does happen.
	Patience = 30 * time.Second
	// promptly is the time within which a source obeys, on a machine that is
	// busy; less than a request to a broker may take that does not answer.
	promptly = 9 * time.Second
	// silence is how long the suite listens where nothing is to be heard.
	silence = 300 * time.Millisecond
	// pause between two looks at a condition, or after a temporary error.
	pause = 20 * time.Millisecond
)

// records makes well-formed notifications with the ids from to to-1, spread
// over four keys.
func records(from, to int) []Record {
	list := make([]Record, 0, to-from)
	for i := from; i < to; i++ {
		list = append(list, Record{
			Key:  []byte("key-" + strconv.Itoa(i%4)),
			Body: fmt.Appendf(nil, `{"id":"%d","subject":"conformance","message":"number %d"}`, i, i),
		})
	}
	return list
}

// publish stores records and fails the test if it cannot.
func publish(t *testing.T, b Broker, list ...Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	if err := b.Publish(ctx, list...); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

// open opens a source and closes it at the end of the test.
func open(t *testing.T, b Broker) sources.Source {
	t.Helper()
	src := b.Open(t)
	t.Cleanup(func() { _ = closeSource(context.Background(), src) })
	return src
}

// feed publishes records and opens a source, in the order that lets it receive
// them.
func feed(t *testing.T, b Broker, list ...Record) sources.Source {
	t.Helper()
	if b.Features().AtMostOnce {
		src := open(t, b)
		publish(t, b, list...)
		return src
	}
	publish(t, b, list...)
	return open(t, b)
}

// revives publishes until a source that was away delivers again: what was
// published before it listens may be lost.
func revives(t *testing.T, b Broker, src sources.Source, id int) []*sources.Delivery {
	t.Helper()
	if !b.Features().AtMostOnce {
		publish(t, b, records(id, id+1)...)
		return Next(t, src, 1)
	}
	got := collect(t, src)
	var all []*sources.Delivery
	Eventually(t, "the source delivers again", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), promptly)
		defer cancel()
		_ = b.Publish(ctx, records(id, id+1)...)
		all = append(all, got()...)
		return len(all) > 0
	})
	return all
}

// shut closes src and fails the test if it cannot.
func shut(t *testing.T, src sources.Source) {
	t.Helper()
	if err := closeSource(t.Context(), src); err != nil {
		t.Fatalf("close %s: %v", src, err)
	}
}

func closeSource(ctx context.Context, src sources.Source) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	return src.Close(ctx)
}

// Receive receives at most n deliveries and decodes them.
func Receive(ctx context.Context, src sources.Source, n int) ([]*sources.Delivery, error) {
	batch, err := src.Receive(ctx, sources.Limit{Messages: n})
	for _, d := range batch {
		d.Decode(envelope.Decoder{})
	}
	return batch, err
}

// Next returns the next n deliveries, however many batches they take. It
// does what the worker does with a temporary error: waits and calls again.
func Next(t testing.TB, src sources.Source, n int) []*sources.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	var all []*sources.Delivery
	var last error
	for len(all) < n {
		batch, err := Receive(ctx, src, n-len(all))
		if len(batch) > n-len(all) {
			t.Fatalf("received %d deliveries with a limit of %d", len(batch), n-len(all))
		}
		all = append(all, batch...)
		if ctx.Err() != nil {
			t.Fatalf("received %d of %d deliveries in %v; last error: %v", len(all), n, Patience, last)
		}
		if err != nil {
			last = err
			Beat()
		}
	}
	return all
}

const (
	// markers are what untilMarkers publishes and acknowledges, one for each key.
	markers = 4
	// firstMarker is the id of the first; no other record has one as high.
	firstMarker = 100_000
)

// untilMarkers publishes markers, and returns what src delivers before the last of
// them: what was to come again would come before, however slow the machine is.
func untilMarkers(t *testing.T, b Broker, src sources.Source) []string {
	t.Helper()
	publish(t, b, records(firstMarker, firstMarker+markers)...)
	var others []string
	for missing := markers; missing > 0; {
		d := Next(t, src, 1)[0]
		Ack(t, d)
		if id, err := strconv.Atoi(d.Envelope.ID); err == nil && id >= firstMarker {
			missing--
		} else {
			others = append(others, d.Envelope.ID)
		}
	}
	return others
}

// Beat passes the time between two looks at a condition.
func Beat() { <-time.After(pause) }

// Ack acknowledges every delivery.
func Ack(t testing.TB, list ...*sources.Delivery) {
	t.Helper()
	for _, d := range list {
		if err := d.Ack(func() {}); err != nil {
			t.Fatalf("ack %s: %v", d.Place(), err)
		}
	}
}

// Eventually waits for ok, and fails the test if that takes too long.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !ok(); Beat() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", Patience, what)
		}
	}
}

// settles waits until the broker regards n messages as done.
func settles(t *testing.T, b Broker, n int) {
	t.Helper()
	var got int
	var err error
	for end := time.Now().Add(Patience); ; Beat() {
		if got, err = b.Settled(t.Context()); err == nil && got == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("broker regards %d messages as settled (error: %v), want %d", got, err, n)
		}
	}
}

// ids lists the notifications in deliveries.
func ids(list []*sources.Delivery) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.Envelope.ID
	}
	return out
}
