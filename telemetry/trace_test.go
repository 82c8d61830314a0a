package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// tracer records spans.
type tracer struct {
	noop.Tracer
	spans []*span
}

type span struct {
	noop.Span
	name   string
	parent trace.SpanContext
	config trace.SpanConfig
	status codes.Code
	end    time.Time
}

func (t *tracer) Start(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	s := &span{name: name, parent: trace.SpanContextFromContext(ctx), config: trace.NewSpanStartConfig(o...)}
	t.spans = append(t.spans, s)
	return ctx, s
}

func (s *span) SetStatus(code codes.Code, _ string) { s.status = code }

func (s *span) End(o ...trace.SpanEndOption) {
	end := trace.NewSpanEndConfig(o...)
	s.end = end.Timestamp()
}

const (
	publication = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	beginning   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

// spanOf returns the span of one delivery that ends with an event.
func spanOf(t *testing.T, raw envelope.Raw, e worker.Event) *span {
	t.Helper()
	spans := &tracer{}
	d := newDesk(telemetry.Options{Tracer: spans})
	m := sources.Message{Broker: "kafka", Topic: "alerts", Group: "notifiers", Raw: raw}
	e.Source, e.Delivery = topic, sources.NewDelivery(m, nil)
	e.Delivery.Decode(envelope.Decoder{})
	for _, kind := range []worker.EventKind{worker.Received, worker.Delivered, e.Kind} {
		step := e
		step.Kind = kind
		d.ObserveWorker(step)
	}
	if len(spans.spans) != 1 {
		t.Fatalf("%d spans of one delivery", len(spans.spans))
	}
	s := spans.spans[0]
	if start := s.config.Timestamp(); !start.Equal(e.Delivery.Received) || s.end.Before(start) {
		t.Errorf("from %s to %s", start, s.end)
	}
	return s
}

func TestSpanContinuesTheTraceOfThePublication(t *testing.T) {
	header := []envelope.Header{{Key: "Traceparent", Value: publication}, {Key: "tracestate", Value: "v=1"}}
	s := spanOf(t, envelope.Raw{Header: header, Body: []byte(`{"subject":"1"}`)}, worker.Event{Kind: worker.Acked})
	if id := s.parent.TraceID().String(); id != publication[3:35] || s.parent.TraceState().Get("v") != "1" {
		t.Errorf("the parent is %s", id)
	}
	if s.name != "process alerts" || s.config.SpanKind() != trace.SpanKindConsumer || s.status != codes.Unset || len(s.config.Links()) != 0 {
		t.Errorf("got %+v", s)
	}
	got := map[string]string{}
	for _, a := range s.config.Attributes() {
		got[string(a.Key)] = a.Value.String()
	}
	for key, want := range map[string]string{
		"messaging.system": "kafka", "messaging.destination.name": "alerts", "messaging.operation.type": "process",
		"messaging.consumer.group.name": "notifiers", "xmpp_notifier.outcome": "acknowledged",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
}

func TestSpanLinksToWhereAnEventBegan(t *testing.T) {
	event := `{"specversion":"1.0","id":"1","source":"s","type":"t","data":"hello","traceparent":"` + beginning + `"}`
	raw := envelope.Raw{Header: []envelope.Header{{Key: "traceparent", Value: publication}}, Body: []byte(event)}
	s := spanOf(t, raw, worker.Event{Kind: worker.Acked})
	if id := s.parent.TraceID().String(); id != publication[3:35] {
		t.Errorf("the parent is %s", id)
	}
	if links := s.config.Links(); len(links) != 1 || links[0].SpanContext.TraceID().String() != beginning[3:35] {
		t.Errorf("the links are %v", links)
	}
}

func TestSpanOfADeadLetterIsAnError(t *testing.T) {
	raw := envelope.Raw{Header: []envelope.Header{{Key: "traceparent", Value: publication}}, Body: []byte(`{`)}
	reason := sources.Reason{Code: sources.ReasonDecode, Err: errors.New("no JSON")}
	s := spanOf(t, raw, worker.Event{Kind: worker.DeadLettered, Reason: reason})
	if s.status != codes.Error || !s.parent.IsValid() {
		t.Errorf("got %+v", s)
	}
}

func TestSpanWithoutAParentBegins(t *testing.T) {
	for _, parent := range []string{"", "nonsense", "00-00000000000000000000000000000000-0000000000000000-01"} {
		raw := envelope.Raw{Header: []envelope.Header{{Key: "traceparent", Value: parent}}, Body: []byte(`{"subject":"1"}`)}
		if s := spanOf(t, raw, worker.Event{Kind: worker.Released}); s.parent.IsValid() {
			t.Errorf("%q gives the parent %v", parent, s.parent)
		}
	}
}
