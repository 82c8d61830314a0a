package telemetry

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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
	i := &Ingest{
		registry: prometheus.NewRegistry(),
		requests: counter("ingest_requests_total", "Webhooks, by the last part of their path (none: there is no such path) and the status of the answer.", "format", "code"),
		duration: histogram("ingest_duration_seconds", "Time from receiving a webhook to its answer, which is the time to store it.", shortTimes(), "format"),
	}
	i.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		i.requests, i.duration, buildInfo(version),
	)
	return i
}

// Observe counts one request.
func (i *Ingest) Observe(format string, code int, took time.Duration) {
	if format == "" {
		format = "none"
	}
	i.requests.WithLabelValues(format, strconv.Itoa(code)).Inc()
	i.duration.WithLabelValues(format).Observe(took.Seconds())
}

// Stopping makes /readyz say that no more requests are taken.
func (i *Ingest) Stopping() { i.stopping.Store(true) }

// Handler serves /metrics, /livez and /readyz.
func (i *Ingest) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(i.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, Timeout: answerTimeout - time.Second}))
	mux.HandleFunc("GET /livez", livez)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if i.stopping.Load() {
			writeText(w, http.StatusServiceUnavailable, "stopping")
			return
		}
		writeText(w, http.StatusOK, "ok")
	})
	return secured(mux)
}
