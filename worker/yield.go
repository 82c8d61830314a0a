package worker

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// A delivery that comes again has perhaps been shown by a worker that died
// before it could acknowledge it. Who was in the room then knows, and who has
// come since may not. So a newcomer gives it back, for another worker to take,
// until it is clear that there is none who knows better.
const (
	yieldAttempts = 12
	yieldPause    = 250 * time.Millisecond
)

// yields reports whether somebody else should judge the delivery.
func (d *drain) yields(delivery *sources.Delivery, parts []int) bool {
	if d.Unsure == nil || delivery.Attempt < 2 || delivery.Attempt > yieldAttempts {
		return false
	}
	for _, part := range parts {
		if d.Unsure(delivery.PartIdentity(part), delivery.Time) {
			return true
		}
	}
	return false
}
