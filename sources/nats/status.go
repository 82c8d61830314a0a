package nats

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

var (
	_ sources.Reporter = (*Source)(nil)
	_ sources.Reporter = (*Core)(nil)
)

// condition is a status that one goroutine keeps and others read.
type condition struct {
	lag atomic.Int64 // apart, because every message tells it

	mu  sync.Mutex
	now sources.Status
}

// set changes the status.
func (c *condition) set(change func(*sources.Status)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.now)
}

func (c *condition) get() sources.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now
	now.Lag = c.lag.Load()
	return now
}

// well notes that the source receives.
func (c *condition) well() {
	c.set(func(s *sources.Status) { s.Bound, s.Problem = true, "" })
}

// ill notes why the source does not receive, and returns that.
func (c *condition) ill(err error) error {
	c.set(func(s *sources.Status) { s.Bound, s.Problem = false, strings.Join(strings.Fields(err.Error()), " ") })
	return err
}

// behind notes how many messages the broker holds.
func (c *condition) behind(lag uint64) { c.lag.Store(int64(min(lag, maxAttempt))) }

// Status tells how the source is, without asking the broker.
func (s *Source) Status() sources.Status {
	status := s.condition.get()
	if status.Bound && !s.conn.IsConnected() {
		status.Bound, status.Problem = false, s.watch.offline().Error()
	}
	return status
}

// Status tells how the source is. What waits in memory counts as lag: the
// broker itself holds nothing.
func (c *Core) Status() sources.Status {
	status := c.condition.get()
	if status.Bound && !c.conn.IsConnected() {
		status.Bound, status.Problem = false, c.watch.offline().Error()
	}
	status.Lag, status.Dropped = c.ear.pending(), int64(c.ear.drops.count())
	return status
}
