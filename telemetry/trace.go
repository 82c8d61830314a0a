package telemetry

import (
	"cmp"
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// trace makes the span of a delivery when it is settled, with the time of its
// receipt as the beginning. So nothing has to be kept while it is pending.
func (t *Telemetry) trace(e *worker.Event) {
	how := outcome(e.Kind)
	if how == "" {
		return
	}
	d := e.Delivery
	ctx, links := parents(d)
	_, span := t.options.Tracer.Start(ctx, "process "+d.Topic,
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(d.Received),
		trace.WithLinks(links...), trace.WithAttributes(attributes(d, how)...))
	if err := e.Err; err != nil {
		span.SetStatus(codes.Error, err.Error())
	} else if e.Reason.Err != nil { // its text may quote the notification
		span.SetStatus(codes.Error, string(e.Reason.Code))
	}
	span.End(trace.WithTimestamp(time.Now()))
}

// attributes follow OpenTelemetry's conventions for messaging.
func attributes(d *sources.Delivery, how string) []attribute.KeyValue {
	list := []attribute.KeyValue{
		attribute.String("messaging.system", d.Broker),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.destination.name", d.Topic),
		attribute.Int("messaging.batch.message_count", len(d.Envelopes)),
		attribute.String("xmpp_notifier.outcome", how),
		attribute.String("xmpp_notifier.place", d.Place()),
	}
	if group := cmp.Or(d.Consumer, d.Group); group != "" {
		list = append(list, attribute.String("messaging.consumer.group.name", group))
	}
	return list
}

// parents returns the context in which the message was published, and links
// to where its notifications began, if that is elsewhere (CloudEvents,
// distributed tracing extension).
func parents(d *sources.Delivery) (context.Context, []trace.Link) {
	first := envelope.TraceContext{Parent: d.Get("traceparent"), State: d.Get("tracestate")}
	if len(d.Envelopes) > 0 {
		first = d.Envelopes[0].Trace
	}
	var links []trace.Link
	for _, e := range d.Envelopes {
		if e.Trace.Parent != first.Parent {
			links = appendLink(links, e.Trace.Parent)
		}
		links = appendLink(links, e.Trace.Origin)
	}
	return extract(first.Parent, first.State), links
}

func appendLink(links []trace.Link, traceparent string) []trace.Link {
	if c := trace.SpanContextFromContext(extract(traceparent, "")); c.IsValid() {
		links = append(links, trace.Link{SpanContext: c})
	}
	return links
}

func extract(traceparent, tracestate string) context.Context {
	return propagation.TraceContext{}.Extract(context.Background(),
		propagation.MapCarrier{"traceparent": traceparent, "tracestate": tracestate})
}
