package worker_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// revoker delivers its bodies, and revokes them half a second later.
type revoker struct {
	*source
	lost chan struct{}
}

type revoked struct {
	*settler
	lost chan struct{}
}

func (r *revoked) Lost() <-chan struct{} { return r.lost }

func (r *revoker) Receive(ctx context.Context, _ sources.Limit) ([]*sources.Delivery, error) {
	if len(r.bodies) == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	var batch []*sources.Delivery
	for _, body := range r.bodies {
		m := sources.Message{Broker: "test", Raw: envelope.Raw{Body: []byte(body)}}
		batch = append(batch, sources.NewDelivery(m, &revoked{&settler{r.source, body}, r.lost}))
	}
	r.bodies = nil
	time.AfterFunc(time.Second/2, func() { close(r.lost) })
	return batch, nil
}

// What is lost before it was sent goes back at once, and is not posted nor
// rejected; what was sent is finished.
func TestLostDeliveriesAreNotPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := &tape{}
		r := &room{tape: got, answer: delivered, joined: make(chan struct{})}
		close(r.joined)
		s := &source{tape: got, bodies: []string{title(1), title(2), "{}", title(3)}, rejects: 50}
		w := worker.Worker{
			Room: r, Sources: []sources.Source{&revoker{s, make(chan struct{})}}, MaxInFlight: 2, Grace: time.Second,
			Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }}, Log: slog.New(slog.DiscardHandler),
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		for _, want := range []string{"post 1", "post 2", "ack " + title(1), "ack " + title(2), "release " + title(3), "release {}"} {
			if !got.has(want) {
				t.Errorf("%q is missing in %q", want, got.events)
			}
		}
		if got.has("post 3") || slices.Contains(got.events, "reject {}: decode") {
			t.Errorf("what belongs to somebody else was dealt with: %q", got.events)
		}
		if i, j := slices.Index(got.events, "release "+title(3)), slices.Index(got.events, "ack "+title(1)); i > j {
			t.Errorf("what was not sent waited for what was: %q", got.events)
		}
	})
}
