package otlp

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// tracer makes spans that the exporter sends. What a span is not asked for
// here, like events, it ignores.
type tracer struct {
	noop.Tracer
	exporter *Exporter
}

// Tracer returns the tracer whose spans are sent; nil if there is no exporter.
func (e *Exporter) Tracer() trace.Tracer {
	if e == nil {
		return nil
	}
	return tracer{exporter: e}
}

// Start begins a span. Whether it is sent was decided where the trace began;
// a trace that begins here is sent.
func (t tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	parent := trace.SpanContextFromContext(ctx)
	config := trace.NewSpanStartConfig(options...)
	c := trace.SpanContextConfig{TraceID: parent.TraceID(), TraceFlags: parent.TraceFlags(), TraceState: parent.TraceState()}
	if !parent.IsValid() {
		_, _ = rand.Read(c.TraceID[:]) // never fails (crypto/rand)
		c.TraceFlags = trace.FlagsSampled
	}
	_, _ = rand.Read(c.SpanID[:])
	s := &span{
		exporter: t.exporter, context: trace.NewSpanContext(c), parent: parent.SpanID(),
		name: name, config: config, begin: config.Timestamp(),
	}
	if s.begin.IsZero() {
		s.begin = time.Now()
	}
	return trace.ContextWithSpan(ctx, s), s
}

// span is one span, until it ends.
type span struct {
	noop.Span
	exporter *Exporter
	context  trace.SpanContext
	parent   trace.SpanID
	name     string
	config   trace.SpanConfig
	begin    time.Time

	ended  sync.Once
	end    time.Time
	code   codes.Code
	reason string
}

// SpanContext identifies the span.
func (s *span) SpanContext() trace.SpanContext { return s.context }

// IsRecording reports whether the span will be sent.
func (s *span) IsRecording() bool { return s.context.IsSampled() }

// SetStatus says how it went. Call it before End, from one goroutine.
func (s *span) SetStatus(code codes.Code, description string) { s.code, s.reason = code, description }

// End ends the span and hands it to the exporter, once.
func (s *span) End(options ...trace.SpanEndOption) {
	s.ended.Do(func() {
		config := trace.NewSpanEndConfig(options...)
		if s.end = config.Timestamp(); s.end.IsZero() {
			s.end = time.Now()
		}
		if s.IsRecording() {
			s.exporter.enqueue(s)
		}
	})
}
