package worker

import (
	"context"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// WhyExpired is the reason for which an expired notification is filtered where no line counts
// it: the room cannot show several in one message.
const WhyExpired = "expired"

// choose returns the notifications of a delivery that people want to see, and those of them
// that have expired.
func (l *sourceLoop) choose(delivery *sources.Delivery) (parts, expired []int) {
	for i := range delivery.Envelopes {
		e := &delivery.Envelopes[i]
		switch why := l.hides(e); {
		case why != "":
			l.hide(delivery, i, why)
		case l.isExpired(delivery, e):
			expired = append(expired, i)
		default:
			parts = append(parts, i)
		}
	}
	if len(expired) <= l.worker.mostTogether() {
		return parts, expired
	}
	for _, i := range expired {
		l.hide(delivery, i, WhyExpired)
	}
	return parts, nil
}

// isExpired reports whether a notification has expired.
func (l *sourceLoop) isExpired(delivery *sources.Delivery, e *envelope.Envelope) bool {
	now, age := time.Now(), l.worker.Digests.MaxAge
	return e.HasExpired(now) || age > 0 && !delivery.Time.IsZero() && now.Sub(delivery.Time) > age
}

// hides says why a notification is not meant for the room, "" if it is.
func (l *sourceLoop) hides(e *envelope.Envelope) string {
	if l.worker.Posts.Filter == nil {
		return ""
	}
	return l.worker.Posts.Filter(e)
}

func (l *sourceLoop) hide(delivery *sources.Delivery, part int, why string) {
	l.tell(Event{Kind: Filtered, Delivery: delivery, Parts: []int{part}, Why: why})
	l.log.Debug("notification filtered", "place", delivery.Place(), "reason", why)
}

// expiredLine is the message that counts what has expired of a delivery, beside the posts of
// what has not. It is one more post.
type expiredLine struct {
	pending *pendingDelivery
	left    int         // members; outcomes come one after the other
	result  sink.Result // of those that are settled
}

// countExpired sends the line.
func (p *pendingDelivery) countExpired(ctx context.Context, expired []member) {
	line, d := &expiredLine{pending: p, left: len(expired)}, &digest{loop: p.loop, members: expired}
	if p.loop.worker.Room.Submit(ctx, d.message(line.settle)) != nil {
		p.done(1, sink.Result{Outcome: sink.Dropped})
	}
}

// settle takes what the room has decided on one of those that have expired. What failed
// says more of the line than what was shown.
func (l *expiredLine) settle(m *member, r sink.Result) {
	l.pending.tell(m.parts, r, Expired)
	if r.Outcome > l.result.Outcome {
		l.result = r
	}
	if l.left--; l.left == 0 {
		l.pending.done(1, l.result)
	}
}
