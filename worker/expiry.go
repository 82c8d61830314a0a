package worker

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// TooLate says of a notification that is not shown why: it has expired, and the others
// of its message have not, or the room cannot show several in one message.
const TooLate = "expired"

// choose returns the notifications of a delivery that people want to see, or those that
// have expired if there are no others.
func (l *sourceLoop) choose(delivery *sources.Delivery) (parts []int, expired bool) {
	var late []int
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
	if len(parts) == 0 && len(late) <= l.worker.mostTogether() {
		return late, len(late) > 0
	}
	for _, i := range late {
		l.hide(delivery, i, TooLate)
	}
	return parts, false
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
