package telemetry

import (
	"cmp"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Ingest tells how the endpoint for webhooks is.
type Ingest struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	stopping atomic.Bool
}

// NewIngest returns an Ingest that has heard nothing yet.
func NewIngest(version string) *Ingest {
	registry := newRegistry(version)
	f := newFactory(registry, nil)
	return &Ingest{
		registry: registry,
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ingest_requests_total",
			Help: "Webhooks, by the last part of their path (none: there is no such path) and the status of the answer.",
		}, []string{"format", "code"}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ingest_duration_seconds", Buckets: shortTimes(),
			Help: "Time from receiving a webhook to its answer, which is the time to store it.",
		}, []string{"format"}),
	}
}

// Observe counts one request.
func (i *Ingest) Observe(format string, code int, took time.Duration) {
	format = cmp.Or(format, "none")
	i.requests.WithLabelValues(format, strconv.Itoa(code)).Inc()
	i.duration.WithLabelValues(format).Observe(took.Seconds())
}

// Stopping makes /readyz say that no more requests are taken.
func (i *Ingest) Stopping() { i.stopping.Store(true) }

// Handler serves /metrics, /livez and /readyz.
func (i *Ingest) Handler() http.Handler {
	return secured(newMux(i.registry, func() []string {
		if i.stopping.Load() {
			return []string{"stopping"}
		}
		return nil
	}))
}
