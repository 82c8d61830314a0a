package telemetry

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/xmpp-notifier/xmpp-notifier/filter"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// sourceState is what is known of one source. Its counters are looked up once:
// a look-up costs more than a count.
type sourceState struct {
	source  sources.Source
	name    string
	metrics *metrics

	received, delivered, suppressed          prometheus.Counter
	digests, digested, corrections, expired  prometheus.Counter
	acked, ackFailed, released, deadLettered prometheus.Counter
	delivery, age                            prometheus.Observer
	lastDelivery                             prometheus.Gauge

	lastDelivered moment
	lastReceived  moment

	mu      sync.Mutex
	failing map[string]fault // by what was asked of the broker
	last    fault
}

// moment is a point in time that one goroutine sets and another reads.
type moment struct{ nanos atomic.Int64 }

func (m *moment) set(t time.Time) { m.nanos.Store(t.UnixNano()) }

// get returns nil if it was never set.
func (m *moment) get() *time.Time {
	nanos := m.nanos.Load()
	if nanos == 0 {
		return nil
	}
	return new(time.Unix(0, nanos).UTC())
}

// How a message was settled, in metrics and traces.
const (
	acknowledged = "acknowledged"
	released     = "released"
	deadLettered = "dead_lettered"
	ackFailed    = "failed"
)

func newSourceState(source sources.Source, m *metrics) *sourceState {
	name := source.String()
	for _, reason := range []sources.ReasonCode{sources.ReasonDecode, sources.ReasonRejected, sources.ReasonRetries, sources.ReasonTooLarge} {
		m.failed.WithLabelValues(name, string(reason))
		m.deadLettered.WithLabelValues(name, string(reason))
	}
	for _, reason := range filter.Reasons() {
		m.filtered.WithLabelValues(name, string(reason))
	}
	m.filtered.WithLabelValues(name, worker.TooLate)
	acks := func(outcome string) prometheus.Counter { return m.acks.WithLabelValues(name, outcome) }
	return &sourceState{
		source: source, name: name, metrics: m, failing: map[string]fault{},
		received: m.received.WithLabelValues(name), delivered: m.delivered.WithLabelValues(name), suppressed: m.suppressed.WithLabelValues(name),
		digests: m.digests.WithLabelValues(name), digested: m.digested.WithLabelValues(name), corrections: m.corrections.WithLabelValues(name), expired: m.expired.WithLabelValues(name),
		acked: acks(acknowledged), ackFailed: acks(ackFailed), released: acks(released), deadLettered: acks(deadLettered),
		delivery: m.delivery.WithLabelValues(name), age: m.age.WithLabelValues(name),
		lastDelivery: m.lastDelivery.WithLabelValues(name),
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
	switch e.Kind {
	case worker.Received:
		s.received.Inc()
		s.lastReceived.set(time.Now())
	case worker.Filtered:
		s.metrics.filtered.WithLabelValues(s.name, e.Why).Inc()
	case worker.Delivered:
		s.shown(e, time.Now())
		if e.Together > 1 {
			s.digested.Add(notifications(e))
		}
		if e.Replaced != "" {
			s.corrections.Inc()
		}
	case worker.Digested:
		s.digests.Inc()
	case worker.Expired:
		s.expired.Add(notifications(e))
	case worker.Suppressed:
		s.suppressed.Add(notifications(e))
	case worker.Failed:
		s.metrics.failed.WithLabelValues(s.name, string(e.Reason.Code)).Inc()
	case worker.DeadLettered:
		s.metrics.deadLettered.WithLabelValues(s.name, string(e.Reason.Code)).Inc()
		s.deadLettered.Inc()
	case worker.Acked:
		s.acked.Inc()
	case worker.AckFailed:
		s.ackFailed.Inc()
		s.fail("", e.Err)
	case worker.Released:
		s.released.Inc()
	case worker.Failing:
		s.fail(e.Doing, e.Err)
	case worker.Recovered:
		s.recover(e.Doing)
	}
}

// notifications is how many an event is about: a message to the room may show
// several.
func notifications(e *worker.Event) float64 { return float64(max(1, len(e.Parts))) }

func (s *sourceState) shown(e *worker.Event, now time.Time) {
	d := e.Delivery
	s.delivered.Add(notifications(e))
	s.lastDelivered.set(now)
	s.lastDelivery.Set(float64(now.UnixMilli()) / 1000)
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
