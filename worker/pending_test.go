package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
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
		Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }},
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

// A notification that the room never shows may be published again and again, until nothing
// else is pending. Only a later one can prove that the room is well: it is received all the
// same, and not without a bound.
func TestCopiesOfWhatIsNotShownDoNotKeepTheProofBack(t *testing.T) {
	const maxInFlight, maxBytes = 2, 4000
	copies := func(n int) []string { return slices.Repeat([]string{sized(300)}, n) }
	for name, c := range map[string]struct {
		bodies      []string
		notShown    int
		shown, most int
	}{
		"in number":         {append(copies(4), `{"subject":"new 1"}`, `{"subject":"new 2"}`), 4, 2, 5},
		"without end":       {append(copies(20), `{"subject":"new"}`), 20, 0, 8},
		"in bytes":          {[]string{sized(2000), sized(2000), `{"subject":"new"}`}, 2, 0, 2},
		"what may be shown": {append(copies(4), `{"subject":"new"}`), 3, 0, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &room{tape: &tape{}, joined: make(chan struct{}), yielded: c.notShown, answer: func(body string) sink.Result {
					if !strings.HasPrefix(body, "new") {
						time.Sleep(2 * time.Hour)
						return sink.Result{Outcome: sink.Dropped}
					}
					return sink.Result{Outcome: sink.Delivered}
				}}
				close(r.joined)
				s := &source{tape: r.tape, bodies: c.bodies}
				w := &worker.Worker{
					Room: r, Sources: []sources.Source{s}, MaxInFlight: maxInFlight, MaxPendingBytes: maxBytes, Grace: time.Second,
					Log: slog.New(slog.DiscardHandler), Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }},
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := w.Run(ctx); err != nil {
					t.Error(err)
				}
				if n := r.count("ack "); n != c.shown {
					t.Errorf("%d that are new were shown, want %d", n, c.shown)
				}
				if n := r.count("post "); n > c.most+c.shown {
					t.Errorf("%d were received", n)
				}
			})
		})
	}
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
			Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }},
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
