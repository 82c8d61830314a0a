// Package otlp sends spans to an OpenTelemetry collector, as OTLP over HTTP in
// JSON. It is the little that one span per notification needs; the SDK and its
// exporter would make the program half as large again (decision 10).
package otlp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// Config is what the operator says about traces.
type Config struct {
	Endpoint string        `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT" desc:"Collector to send traces to, as OTLP over HTTP in JSON: its base URL, like http://otel-collector:4318 (its port for gRPC, 4317, will not do). Default: there are no traces."`
	Headers  config.Secret `envconfig:"OTEL_EXPORTER_OTLP_HEADERS" desc:"Headers for the collector, like Authorization=Bearer%20abc, comma-separated and percent-encoded."`
	Service  string        `envconfig:"OTEL_SERVICE_NAME" default:"xmpp-notifier" desc:"Name of the service in traces."`
}

// Validate returns everything that is wrong with c, each error with its cure.
func (c Config) Validate() []error {
	var errs []error
	if u, err := url.Parse(c.Endpoint); c.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT=%q: not a base URL: give http://host:4318 or https://host", c.Endpoint))
	}
	if _, err := c.headers(); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// headers reads the list in the form of W3C baggage.
func (c Config) headers() (http.Header, error) {
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"xmpp-notifier"}}
	for i, pair := range strings.Split(c.Headers.Reveal(), ",") {
		key, value, found := strings.Cut(strings.TrimSpace(pair), "=")
		text, err := url.PathUnescape(value)
		switch {
		case key == "" && !found:
		case !found || err != nil || strings.ContainsAny(key+text, "\r\n\x00"):
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: entry %d is not of the form name=value: percent-encode the value", i+1)
		default:
			h.Set(strings.TrimSpace(key), text)
		}
	}
	return h, nil
}

// The bounds of an Exporter.
const (
	maxQueue     = 2048 // spans; more are dropped
	maxBatch     = 512
	batchPause   = 2 * time.Second
	exportTime   = 10 * time.Second
	closeTime    = 2 * time.Second // for the last batch
	maxErrorBody = 300
)

// Exporter sends spans in batches, in the background. What cannot be sent is
// dropped: traces are no reason to hold up a notification.
type Exporter struct {
	url    string
	header http.Header
	head   resource
	log    *slog.Logger
	client *http.Client

	queue    chan *span
	overflow atomic.Int64 // spans that found the queue full
	batch    []*span      // to be sent next; this and what follows are those of run
	dropped  int64        // since traces were sent last
	failing  bool         // some could not be sent the last time

	stop context.CancelFunc
	done sync.WaitGroup
}

// Start returns an Exporter that works until Close, or nil if cfg names no
// collector. Version is that of the program.
func Start(cfg Config, version string, log *slog.Logger) (*Exporter, error) {
	if cfg.Endpoint == "" {
		return nil, nil
	}
	header, err := cfg.headers()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &Exporter{
		url: strings.TrimSuffix(cfg.Endpoint, "/") + "/v1/traces", header: header, log: log,
		client: &http.Client{CheckRedirect: stay},
		head:   newResource(cfg.Service, version), queue: make(chan *span, maxQueue), stop: stop,
	}
	e.done.Go(func() { e.run(ctx) })
	return e, nil
}

// stay follows no redirect: it would carry our headers elsewhere.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close sends what is left, for a short while, and stops.
func (e *Exporter) Close() {
	if e == nil {
		return
	}
	e.stop()
	e.done.Wait()
}

// enqueue hands s over without waiting.
func (e *Exporter) enqueue(s *span) {
	select {
	case e.queue <- s:
	default:
		e.overflow.Add(1)
	}
}

var errQueueFull = fmt.Errorf("more than %d spans in %s", maxQueue, batchPause)

// run sends a batch from time to time.
func (e *Exporter) run(ctx context.Context) {
	tick := time.NewTicker(batchPause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.drain(ctx, exportTime)
		case <-ctx.Done():
			e.drain(context.WithoutCancel(ctx), closeTime)
			if n := e.dropped + int64(len(e.batch)+len(e.queue)); n > 0 {
				e.log.Warn("traces were dropped", "dropped", n)
			}
			return
		}
	}
}

// drain sends all that waits. What it has not come to when its time is over, or
// when ctx ends, is for the next time; so is what the end of ctx interrupts.
func (e *Exporter) drain(ctx context.Context, limit time.Duration) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var failure error
	sent := false
	for limited.Err() == nil && e.fill() {
		err := e.export(limited, e.batch)
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			e.dropped += int64(len(e.batch))
			failure = err
		}
		e.batch, sent = nil, true
	}
	if n := e.overflow.Swap(0); n > 0 {
		e.dropped += n
		failure = cmp.Or(failure, errQueueFull)
	}
	if sent {
		e.note(failure)
	}
}

// fill makes a batch of what waits, and reports whether there is one.
func (e *Exporter) fill() bool {
	for len(e.batch) < maxBatch && len(e.queue) > 0 {
		e.batch = append(e.batch, <-e.queue)
	}
	return len(e.batch) > 0
}

// note logs when traces begin to get lost, and when they arrive again.
func (e *Exporter) note(err error) {
	switch {
	case err != nil && !e.failing:
		e.log.Warn("traces cannot be sent, dropping them", "error", err)
	case err == nil && e.failing:
		e.log.Info("traces are sent again", "dropped", e.dropped)
		e.dropped = 0
	}
	e.failing = err != nil
}

// export sends one batch.
func (e *Exporter) export(ctx context.Context, batch []*span) error {
	body, err := json.Marshal(e.head.request(batch))
	if err != nil {
		return fmt.Errorf("encode traces: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send traces: %w", err)
	}
	request.Header = e.header
	answer, err := e.client.Do(request)
	if err != nil {
		return fmt.Errorf("send traces: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxErrorBody))
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("send traces to OTEL_EXPORTER_OTLP_ENDPOINT: %s %.100q", answer.Status, text)
	}
	return nil
}
