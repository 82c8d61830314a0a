package otlp

import (
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// The JSON encoding of opentelemetry/proto/collector/trace/v1, as the OTLP
// specification 1.x has it: ids in hexadecimal, 64-bit numbers as text,
// enumerations as numbers.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   attributes   `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	attributes struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope      `json:"scope"`
		Spans []spanJSON `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	spanJSON struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		TraceState string     `json:"traceState,omitempty"`
		Parent     string     `json:"parentSpanId,omitempty"`
		Name       string     `json:"name"`
		Kind       int        `json:"kind"`
		Start      string     `json:"startTimeUnixNano"`
		End        string     `json:"endTimeUnixNano"`
		Attributes []keyValue `json:"attributes,omitempty"`
		Links      []link     `json:"links,omitempty"`
		Status     *status    `json:"status,omitempty"`
	}
	link struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}
	status struct {
		Code    int    `json:"code"`
		Message string `json:"message,omitempty"`
	}
	keyValue struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
)

// resource is what all spans have in common.
type resource struct {
	attributes attributes
	scope      scope
}

func newResource(service, version string) resource {
	return resource{
		attributes: attributes{encodeAll([]attribute.KeyValue{
			attribute.String("service.name", service), attribute.String("service.version", version),
		})},
		scope: scope{"xmpp-notifier", version},
	}
}

func (r resource) request(batch []*span) request {
	spans := make([]spanJSON, len(batch))
	for i, s := range batch {
		spans[i] = s.encode()
	}
	return request{[]resourceSpans{{r.attributes, []scopeSpans{{r.scope, spans}}}}}
}

func (s *span) encode() spanJSON {
	j := spanJSON{
		TraceID: s.context.TraceID().String(), SpanID: s.context.SpanID().String(), TraceState: s.context.TraceState().String(),
		Name: s.name, Kind: int(trace.ValidateSpanKind(s.config.SpanKind())), Start: nanos(s.begin), End: nanos(s.end),
		Attributes: encodeAll(s.config.Attributes()),
	}
	if s.parent.IsValid() {
		j.Parent = s.parent.String()
	}
	for _, l := range s.config.Links() {
		j.Links = append(j.Links, link{l.SpanContext.TraceID().String(), l.SpanContext.SpanID().String()})
	}
	if s.code == codes.Error { // OTLP has other numbers than the API
		j.Status = &status{Code: 2, Message: s.reason}
	}
	return j
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func encodeAll(list []attribute.KeyValue) []keyValue {
	out := make([]keyValue, len(list))
	for i, a := range list {
		out[i] = keyValue{string(a.Key), encode(a.Value)}
	}
	return out
}

func encode(v attribute.Value) map[string]any {
	switch v.Type() {
	case attribute.BOOL:
		return map[string]any{"boolValue": v.AsBool()}
	case attribute.INT64:
		return map[string]any{"intValue": strconv.FormatInt(v.AsInt64(), 10)}
	case attribute.FLOAT64:
		return map[string]any{"doubleValue": v.AsFloat64()}
	default:
		return map[string]any{"stringValue": v.String()}
	}
}
