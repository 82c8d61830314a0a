// Package telemetry tells operators how the worker is: metrics, a status for
// people and programs, whether it is ready, and traces. The other packages
// report events to it and know nothing of Prometheus, HTTP or OpenTelemetry.
package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Room is what telemetry asks a sink.Room.
type Room interface {
	// InFlight returns how many messages are in flight, and for how long the
	// oldest has waited for its reflection while it was the oldest.
	InFlight() (messages int, waiting time.Duration)
	// Unshown are those in flight that the room has refused, or handled and not shown.
	Unshown() []sink.Unshown
	// HistoryDepth is how many of our last messages the room's history shows.
	HistoryDepth() int
	// Pace is how many messages may be in flight and the pause between two, and
	// whether that is because the room limits the rate.
	Pace() (inFlight int, pause time.Duration, limited bool)
	String() string
}

// Worker is what telemetry asks a worker.Worker.
type Worker interface {
	// MaxPending is how many messages of one source may be pending.
	MaxPending() int
	// Pending is how many messages of a source are received and not settled, and
	// how large they are.
	Pending(source string) (messages, bytes int)
	// Gathered is how many of the pending messages of a source wait to be shown
	// together.
	Gathered(source string) int
	// Unacknowledged is how many notifications of a source are submitted to the
	// room and not durably acknowledged.
	Unacknowledged(source string) int
}

// Options say what to tell about.
type Options struct {
	Version string
	Room    Room
	Sources []sources.Source
	Worker  Worker
	// MaxInFlight is how many messages may be in flight at once.
	MaxInFlight int
	// MaxPendingBytes is how large the pending messages of all sources may be.
	MaxPendingBytes int
	// StalledAfter is how long the oldest message in flight may wait for its
	// reflection until the room counts as not ready.
	StalledAfter time.Duration
	// TemplateFailures counts the texts that the template of the operator
	// could not give. Nil: there is no template.
	TemplateFailures func() int64
	// AuditMissing counts the lines that the audit could not write. Nil: there is none.
	AuditMissing func() int64
	// Tracer makes a span of each notification. Nil: there are no traces.
	Tracer trace.Tracer
}

// Telemetry collects what is worth telling. Its methods can be called from
// any goroutine.
type Telemetry struct {
	options  Options
	started  time.Time
	registry *prometheus.Registry
	metrics  roomMetrics
	room     roomState
	sources  map[string]*sourceState // fixed
	stopping chan struct{}
}

// New returns a Telemetry that has heard nothing yet. Pass on its methods
// ObserveRoom and ObserveWorker to those who have something to report.
func New(o Options) *Telemetry {
	registry := newRegistry(o.Version)
	shared := newFactory(registry, nil)
	t := &Telemetry{
		options: o, started: time.Now(), registry: registry, metrics: newRoomMetrics(shared),
		sources: map[string]*sourceState{}, stopping: make(chan struct{}),
	}
	t.addGauges(shared)
	for _, source := range o.Sources {
		own := newFactory(registry, prometheus.Labels{"source": source.String()})
		s := newSourceState(source, newSourceMetrics(own))
		s.addGauges(own, o.Worker)
		t.sources[s.name] = s
	}
	return t
}

// Stopping says that the worker is about to stop, and so is not ready.
// Call it once at most.
func (t *Telemetry) Stopping() { close(t.stopping) }
