package conn

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Health is the status of a source: one goroutine keeps it and others read it.
type Health struct {
	lag atomic.Int64 // apart, because every message tells it

	mu     sync.Mutex
	now    sources.Status
	paused string // why nothing comes, although the source is bound
}

// NewHealth is that of a source that has received nothing yet.
func NewHealth() *Health {
	h := new(Health)
	h.lag.Store(-1)
	return h
}

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

// Paused notes why nothing comes although the source receives. Empty: it is not paused.
func (h *Health) Paused(problem string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paused = problem
}

// SetLag notes how many messages the broker holds.
func (h *Health) SetLag(lag uint64) { h.lag.Store(int64(min(lag, math.MaxInt64))) }

// Status is how the source is, on that connection.
func (h *Health) Status(c *Conn) sources.Status {
	h.mu.Lock()
	now, paused := h.now, h.paused
	h.mu.Unlock()
	if now.Receiving && paused != "" {
		now.Receiving, now.Problem = false, paused
	}
	if now.Receiving && !c.IsConnected() {
		now.Receiving, now.Problem = false, c.offline().Error()
	}
	now.Lag = h.lag.Load()
	return now
}
