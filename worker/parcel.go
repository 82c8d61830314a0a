package worker

import (
	"context"
	"log/slog"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// parcel is a delivery on its way to the room. It is settled when the last of
// its notifications is. If it comes again, those that the room has shown are
// suppressed.
type parcel struct {
	*drain
	delivery *sources.Delivery
	parts    int // notifications, all of them in doubt together

	mu       sync.Mutex
	left     int // notifications on their way
	dropped  bool
	rejected error
}

func (d *drain) newParcel(delivery *sources.Delivery, parts int) *parcel {
	return &parcel{drain: d, delivery: delivery, parts: parts, left: parts}
}

// submit sends the notifications, in order.
func (p *parcel) submit(ctx context.Context, parts []int) {
	for sent, part := range parts {
		e := p.delivery.Envelopes[part]
		m := sink.Message{
			Identity: p.delivery.PartIdentity(part),
			Body:     p.Render(e),
			Lost:     p.delivery.Lost(),
			Done:     p.settle,
		}
		if p.Payload != nil {
			m.Extra = p.Payload(e)
		}
		if p.Room.Submit(ctx, m) != nil {
			p.done(len(parts)-sent, sink.Result{Outcome: sink.Dropped})
			return
		}
	}
}

// settle takes what the room has decided on one notification.
func (p *parcel) settle(r sink.Result) {
	switch r.Outcome {
	case sink.Delivered:
		p.stats.delivered.Add(1)
		p.tell(Event{Kind: Delivered, Delivery: p.delivery, Took: r.Took})
	case sink.Suppressed:
		p.stats.suppressed.Add(1)
		p.tell(Event{Kind: Suppressed, Delivery: p.delivery})
	case sink.Rejected, sink.Dropped:
	}
	p.done(1, r)
}

// done counts down, and settles the delivery after its last notification.
func (p *parcel) done(n int, r sink.Result) {
	p.mu.Lock()
	p.dropped = p.dropped || r.Outcome == sink.Dropped
	if r.Outcome == sink.Rejected {
		p.rejected = r.Err
	}
	p.left -= n
	last := p.left == 0
	p.mu.Unlock()
	if last {
		p.finish()
	}
}

// finish does for the broker what the room has decided on all notifications.
// What was not sent comes again; what the room refuses makes a dead letter of
// the whole.
func (p *parcel) finish() {
	switch {
	case p.dropped:
		p.doubt.leave(p.parts)
		p.release(p.delivery)
	case p.rejected != nil:
		p.doubt.leave(p.parts)
		p.reject(p.delivery, sources.Reason{Code: sources.ReasonRejected, Err: p.rejected})
	default:
		p.ack()
	}
}

// ack tells the broker. If it does not hear, it will deliver again, and the
// ledger of the room will recognise the notifications.
func (p *parcel) ack() {
	leave := func() { p.doubt.leave(p.parts) }
	if err := p.delivery.Ack(leave); err != nil {
		leave()
		p.tell(Event{Kind: AckFailed, Delivery: p.delivery, Err: err})
		p.log.Log(context.Background(), p.deaf.level(slog.LevelWarn), "acknowledgement failed, the broker will deliver again", "place", p.delivery.Place(), "error", err)
	} else {
		p.tell(Event{Kind: Acked, Delivery: p.delivery})
	}
	<-p.held
}
