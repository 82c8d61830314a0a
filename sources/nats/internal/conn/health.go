package conn

import (
	"math"
	"strings"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Health is the status of a source.
type Health struct {
	mu     sync.Mutex
	now    sources.Status
	paused string // why nothing comes, although the source receives
}

// NewHealth is that of a source that has received nothing yet.
func NewHealth() *Health { return &Health{now: sources.Status{Lag: -1}} }

// Receiving notes that the source receives.
func (h *Health) Receiving() { h.set(true, "") }

// Failed notes why the source does not receive, and returns that.
func (h *Health) Failed(err error) error {
	h.set(false, strings.Join(strings.Fields(err.Error()), " "))
	return err
}

func (h *Health) set(receiving bool, problem string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now.Receiving, h.now.Problem = receiving, problem
}

// Paused notes why nothing comes although the source receives; empty: it does. It
// returns what was noted before.
func (h *Health) Paused(problem string) (before string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before, h.paused = h.paused, problem
	return before
}

// SetLag notes how many messages the broker holds.
func (h *Health) SetLag(lag uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now.Lag = int64(min(lag, math.MaxInt64))
}

// Status is how the source is, on that connection.
func (h *Health) Status(c *Conn) sources.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now
	switch {
	case !now.Receiving:
	case !c.IsConnected():
		now.Receiving, now.Problem = false, c.offline().Error()
	case h.paused != "":
		now.Receiving, now.Problem = false, h.paused
	}
	return now
}
