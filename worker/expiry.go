package worker

import (
	"context"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// TooLate says of a notification that has expired why not even a line counts it: the room
// cannot show several in one message.
const TooLate = "expired"

// choose returns the notifications of a delivery that people want to see, and those of them
// that have expired.
func (l *sourceLoop) choose(delivery *sources.Delivery) (parts, late []int) {
	for i := range delivery.Envelopes {
		e := &delivery.Envelopes[i]
		switch why := l.hides(e); {
		case why != "":
			l.hide(delivery, i, why)
		case l.isLate(delivery, e):
			late = append(late, i)
		default:
			parts = append(parts, i)
		}
	}
	if len(late) <= l.worker.mostTogether() {
		return parts, late
	}
	for _, i := range late {
		l.hide(delivery, i, TooLate)
	}
	return parts, nil
}

// isLate reports whether a notification is no news any more.
func (l *sourceLoop) isLate(delivery *sources.Delivery, e *envelope.Envelope) bool {
	now, age := time.Now(), l.worker.Digests.MaxAge
	return e.HasExpired(now) || age > 0 && !delivery.Time.IsZero() && now.Sub(delivery.Time) > age
}

// hides says why a notification is not meant for the room, "" if it is.
func (l *sourceLoop) hides(e *envelope.Envelope) string {
	if l.worker.Filter == nil {
		return ""
	}
	return l.worker.Filter(e)
}

func (l *sourceLoop) hide(delivery *sources.Delivery, part int, why string) {
	l.tell(Event{Kind: Filtered, Delivery: delivery, Parts: []int{part}, Why: why})
	l.log.Debug("notification filtered", "place", delivery.Place(), "reason", why)
}

// lateLine is the message that counts what has expired of a delivery, beside the posts of
// what has not. It is one more post.
type lateLine struct {
	pending *pendingDelivery
	left    int         // members; outcomes come one after the other
	result  sink.Result // of those that are settled
}

// countLate sends the line.
func (p *pendingDelivery) countLate(ctx context.Context, late []member) {
	line, d := &lateLine{pending: p, left: len(late)}, &digest{loop: p.loop, members: late}
	if p.loop.worker.Room.Submit(ctx, d.message(line.settle)) != nil {
		p.done(1, sink.Result{Outcome: sink.Dropped})
	}
}

// settle takes what the room has decided on one of those that have expired. What failed
// says more of the line than what was shown, and that more than what had been before.
func (l *lateLine) settle(m *member, r sink.Result) {
	l.pending.tell(m.parts, r, Expired)
	weight := func(o sink.Outcome) int {
		return slices.Index([]sink.Outcome{sink.Suppressed, sink.Delivered, sink.Rejected, sink.Dropped}, o)
	}
	if weight(r.Outcome) > weight(l.result.Outcome) {
		l.result = r
	}
	if l.left--; l.left == 0 {
		l.pending.done(1, l.result)
	}
}
