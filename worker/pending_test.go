package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// sized is a notification of so many bytes.
func sized(n int) string {
	return fmt.Sprintf(`{"subject":"x","message":%q}`, strings.Repeat("m", n-len(`{"subject":"x","message":""}`)))
}

// watched delivers bodies, and notes what is pending with each.
type watched struct {
	*source
	worker *worker.Worker
	most   int // bytes that were pending at once
}

func (w *watched) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	batch, err := w.source.Receive(ctx, limit)
	_, bytes := w.worker.Pending(w.String())
	for _, d := range batch {
		bytes += d.Size()
	}
	w.most = max(w.most, bytes)
	return batch, err
}

// carry runs a worker that may hold so many bytes, and returns how many it held.
func carry(t *testing.T, maxBytes int, bodies ...string) (most int, got *tape) {
	t.Helper()
	got = &tape{}
	r := &room{tape: got, answer: delivered, joined: make(chan struct{}), historyDepth: 100}
	close(r.joined)
	w := &worker.Worker{
		Room: r, MaxInFlight: 50, MaxPendingBytes: maxBytes, Grace: time.Second, Log: slog.New(slog.DiscardHandler),
		Render: func(e envelope.Envelope) string { return e.Subject },
	}
	s := &watched{source: &source{tape: got, bodies: bodies}, worker: w}
	w.Sources = []sources.Source{s}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
	if messages, bytes := w.Pending("test"); messages != 0 || bytes != 0 {
		t.Errorf("%d messages of %d bytes are pending at the end", messages, bytes)
	}
	return s.most, got
}

// The bound is passed by one message at most, because a source does not know how
// large the next one is.
func TestPendingIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		for range 40 {
			bodies = append(bodies, sized(300))
		}
		most, got := carry(t, 1000, bodies...)
		if most > 1000+300 {
			t.Errorf("%d bytes were pending, of 1000", most)
		}
		if n := got.count("ack "); n != 40 {
			t.Errorf("%d of 40 were delivered", n)
		}
	})
}

func TestAMessageAsLargeAsTheBoundIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		most, got := carry(t, 1000, sized(300), sized(1000), sized(300))
		if most > 2000 || got.count("ack ") != 3 {
			t.Errorf("%d bytes were pending; %q", most, got.events)
		}
	})
}

func TestAMessageThatDoesNotFitBecomesADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := sized(1001)
		_, got := carry(t, 1000, sized(300), large, sized(300))
		if !got.has("reject "+large+": too_large") || got.count("ack ") != 2 {
			t.Errorf("got %.300q", got.events)
		}
	})
}

// What was rendered is not kept a second time until it is settled.
func TestRenderedNotificationsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept []*sources.Delivery
		got := &tape{}
		r := &room{tape: got, answer: delivered, joined: make(chan struct{})}
		close(r.joined)
		s := &source{tape: got, bodies: []string{`{"subject":"1","id":"a","source":"b"}`}}
		w := &worker.Worker{
			Room: r, Sources: []sources.Source{s}, MaxInFlight: 2, Grace: time.Second, Log: slog.New(slog.DiscardHandler),
			Render: func(e envelope.Envelope) string { return e.Subject },
			Observe: func(e worker.Event) {
				if e.Kind == worker.Delivered {
					kept = append(kept, e.Delivery)
				}
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		if len(kept) != 1 || kept[0].Envelopes[0].Subject != "" || kept[0].Envelopes[0].ID != "a" || kept[0].Identity() == "" {
			t.Errorf("kept %+v", kept)
		}
	})
}
