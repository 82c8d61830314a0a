// Package traces sends spans to an OpenTelemetry collector, by the SDK of
// OpenTelemetry and its OTLP exporters. What is ours is the settings, and that
// trouble with the collector is said once, and without secrets.
package traces

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr/funcr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// scope is the name of the instrumentation.
const scope = "github.com/xmpp-notifier/xmpp-notifier"

// closeTimeout is for the last spans.
const closeTimeout = 2 * time.Second

// Traces makes spans and sends them, in the background and in batches. What
// cannot be sent is dropped: traces are no reason to hold up a notification.
type Traces struct {
	provider *sdk.TracerProvider
	exporter *exporter
	version  string
}

// Start returns a Traces that works until Close, or nil if cfg says that there
// are none. The version is that of the program.
func Start(ctx context.Context, cfg Config, version string, log *slog.Logger) (*Traces, error) {
	if !cfg.on() {
		return nil, nil
	}
	report(log)
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", cfg.Service), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, check.Faultf("give name=value, comma-separated and percent-encoded", "OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	client, err := otlptrace.New(ctx, cfg.client())
	if err != nil {
		return nil, fmt.Errorf("start the exporter of traces: %w", err)
	}
	e := &exporter{SpanExporter: client, log: log}
	return &Traces{provider: sdk.NewTracerProvider(sdk.WithBatcher(e), sdk.WithResource(about)), exporter: e, version: version}, nil
}

// report logs what the SDK cannot do. It has no other place to tell.
func report(log *slog.Logger) {
	warn := func(_, text string) { log.Warn("traces are incomplete", "error", text) }
	otel.SetLogger(funcr.New(warn, funcr.Options{Verbosity: 1})) // warnings, for the SDK
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { warn("", shortened(err)) }))
}

// client connects in the background.
func (c *Config) client() otlptrace.Client {
	headers := c.headers()
	if c.protocol() == protocolGRPC {
		return otlptracegrpc.NewClient(otlptracegrpc.WithHeaders(headers))
	}
	return otlptracehttp.NewClient(otlptracehttp.WithHeaders(headers))
}

// Tracer makes the spans. Nil: there are no traces.
func (t *Traces) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer(scope, trace.WithInstrumentationVersion(t.version))
}

// Close sends what is left, for a short while, and stops.
func (t *Traces) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.exporter.log.Warn("traces were dropped", "error", err)
	}
	if n := t.exporter.dropped.Load(); n > 0 {
		t.exporter.log.Warn("traces were dropped", "dropped", n)
	}
}

// exporter says once when traces begin to get lost, and when they arrive again.
type exporter struct {
	sdk.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
	dropped atomic.Int64 // since traces were sent last
}

// ExportSpans sends a batch. It returns nil also if it could not: it has said so.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		if e.failing.CompareAndSwap(true, false) {
			e.log.Info("traces are sent again", "dropped", e.dropped.Swap(0))
		}
		return nil
	}
	e.dropped.Add(int64(len(spans)))
	if e.failing.CompareAndSwap(false, true) {
		e.log.Warn("traces cannot be sent, dropping them", "error", shortened(err))
	}
	return nil
}

// shortened keeps what a collector says from filling the log.
func shortened(err error) string { return fmt.Sprintf("%.300q", err) }
