package nats

import (
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// dropsEvery is how often the log tells of messages that were dropped.
const dropsEvery = time.Minute

// drops counts the messages for which there was no room.
type drops struct {
	log *slog.Logger

	mu   sync.Mutex
	subs map[*nats.Subscription]int // what each has dropped, as far as is known
	gone int                        // what those have that are closed
	told int
	at   time.Time
}

// watch begins to count what sub drops.
func (d *drops) watch(sub *nats.Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.subs == nil {
		d.subs = map[*nats.Subscription]int{}
	}
	d.subs[sub] = 0
}

func (d *drops) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sum()
}

func (d *drops) sum() int {
	total := d.gone
	for sub, known := range d.subs {
		now, err := sub.Dropped()
		if err != nil { // it is closed
			d.gone += known
			delete(d.subs, sub)
			now = known
		} else {
			d.subs[sub] = now
		}
		total += now
	}
	return total
}

// tell logs what was dropped since the last time, not too often unless it is
// the last time.
func (d *drops) tell(last bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.sum()
	if now == d.told || !last && time.Since(d.at) < dropsEvery {
		return
	}
	d.log.Warn("notifications were lost: there is no room for more, see NATS_CORE_BUFFER", "count", now-d.told, "total", now)
	d.told, d.at = now, time.Now()
}
