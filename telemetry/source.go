package telemetry

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// sourceState is what is known of one source.
type sourceState struct {
	source sources.Source
	name   string
	sourceMetrics

	lastReceived, lastDelivered atomic.Int64 // Unix time in nanoseconds, 0 for never

	mu      sync.Mutex
	failing map[string]*Fault // by what was asked of the broker
	last    *Fault
}

func newSourceState(source sources.Source, m sourceMetrics) *sourceState {
	return &sourceState{
		source: source, name: source.String(), sourceMetrics: m, failing: map[string]*Fault{},
	}
}

// How a message was settled, in metrics and traces.
const (
	acknowledged = "acknowledged"
	released     = "released"
	deadLettered = "dead_lettered"
	ackFailed    = "failed"
)

// outcome is how an event settles a message, "" if it does not.
func outcome(kind worker.EventKind) string {
	switch kind {
	case worker.Acked:
		return acknowledged
	case worker.AckFailed:
		return ackFailed
	case worker.DeadLettered:
		return deadLettered
	case worker.Released:
		return released
	default:
		return ""
	}
}

// ObserveWorker takes an event of the worker.
func (t *Telemetry) ObserveWorker(e worker.Event) {
	s := t.sources[e.Source]
	if s == nil {
		return // not one that we were told of
	}
	s.observe(&e)
	switch e.Kind {
	case worker.Delivered, worker.Digested:
		if e.Took > 0 {
			t.metrics.reflection.Observe(e.Took.Seconds())
		}
		if e.Kind == worker.Digested {
			t.metrics.together.Observe(float64(e.Together))
		}
	case worker.Failing:
		t.metrics.retries.WithLabelValues(e.Doing).Inc()
	default:
	}
	if t.options.Tracer != nil {
		t.trace(&e)
	}
}

func (s *sourceState) observe(e *worker.Event) {
	if how := outcome(e.Kind); how != "" {
		s.acks.WithLabelValues(how).Inc()
	}
	switch e.Kind {
	case worker.Received:
		s.received.Inc()
		s.lastReceived.Store(time.Now().UnixNano())
	case worker.Filtered:
		s.filtered.WithLabelValues(e.Why).Inc()
	case worker.Delivered:
		s.shown(e, time.Now())
	case worker.Digested:
		s.digests.Inc()
	case worker.Expired:
		s.expired.Add(notifications(e))
	case worker.Suppressed:
		s.suppressed.Add(notifications(e))
	case worker.Failed:
		s.failed.WithLabelValues(string(e.Reason.Code)).Inc()
	case worker.DeadLettered:
		s.deadLettered.WithLabelValues(string(e.Reason.Code)).Inc()
	case worker.AckFailed:
		s.fail("", e.Err)
	case worker.Failing:
		s.fail(e.Doing, e.Err)
	case worker.Recovered:
		s.recover(e.Doing)
	case worker.Acked, worker.Released:
	}
}

// notifications is how many an event is about: a message to the room may show
// several.
func notifications(e *worker.Event) float64 { return float64(max(1, len(e.Parts))) }

func (s *sourceState) shown(e *worker.Event, now time.Time) {
	d := e.Delivery
	s.delivered.Add(notifications(e))
	if e.Together > 1 {
		s.digested.Add(notifications(e))
	}
	if e.Replaced != "" {
		s.corrections.Inc()
	}
	s.lastDelivered.Store(now.UnixNano())
	s.delivery.Observe(max(0, now.Sub(d.Received).Seconds()))
	if !d.Time.IsZero() {
		s.age.Observe(max(0, now.Sub(d.Time).Seconds())) // clocks differ
	}
}

// fail notes an error, and that what was asked fails until it succeeds.
func (s *sourceState) fail(doing string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = newFault(err)
	if doing != "" {
		s.failing[doing] = s.last
	}
}

func (s *sourceState) recover(doing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.failing, doing)
}

// lag is NaN where it is not known: a missing value and none waiting differ.
func lag(s sources.Status) float64 {
	if s.Lag < 0 {
		return math.NaN()
	}
	return float64(s.Lag)
}
