package core

import (
	"log/slog"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
)

// dropsEvery is how often the log tells of messages that were dropped.
const dropsEvery = time.Minute

// drops counts the messages for which there was no room.
type drops struct {
	logger *slog.Logger

	mu     sync.Mutex
	subs   map[*client.Subscription]int // what each has dropped, as far as is known
	gone   int                          // what those have that are closed
	logged int
	at     time.Time
}

func newDrops(log *slog.Logger) *drops {
	return &drops{logger: log, subs: map[*client.Subscription]int{}}
}

// watch begins to count what sub drops.
func (d *drops) watch(sub *client.Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
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

// log logs what was dropped since the last time, not too often unless it is
// the last time.
func (d *drops) log(last bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.sum()
	if now == d.logged || !last && time.Since(d.at) < dropsEvery {
		return
	}
	d.logger.Warn("notifications were lost: there is no room for more, see NATS_CORE_BUFFER", "count", now-d.logged, "total", now)
	d.logged, d.at = now, time.Now()
}
