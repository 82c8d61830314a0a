package otlp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry/otlp"
)

// collector takes what an exporter sends.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	answer   int
	requests []*http.Request
	bodies   [][]byte
}

func startCollector(t *testing.T, answer int) *collector {
	t.Helper()
	c := &collector{answer: answer}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.requests, c.bodies = append(c.requests, r), append(c.bodies, body)
		w.WriteHeader(c.answer)
	}))
	t.Cleanup(c.Close)
	return c
}

func start(t *testing.T, cfg otlp.Config, log io.Writer) *otlp.Exporter {
	t.Helper()
	if errs := cfg.Validate(); len(errs) > 0 {
		t.Fatal(errs)
	}
	e, err := otlp.Start(cfg, "1.2.3", slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func published(traceparent string) context.Context {
	return propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent, "tracestate": "v=1"})
}

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

func TestSendsSpans(t *testing.T) {
	c := startCollector(t, http.StatusOK)
	e := start(t, otlp.Config{Endpoint: c.URL + "/", Service: "svc", Headers: config.NewSecret("X-Token=a%20b, X-Other=1")}, io.Discard)
	begin := time.Unix(1700000000, 5)
	_, s := e.Tracer().Start(published("00-"+traceID+"-"+spanID+"-01"), "process alerts",
		trace.WithTimestamp(begin), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(trace.LinkFromContext(published("00-"+strings.Repeat("a", 32)+"-"+spanID+"-01"))),
		trace.WithAttributes(attribute.String("s", "x"), attribute.Int("i", 7), attribute.Bool("b", true)))
	s.SetStatus(codes.Error, "too rude")
	s.End(trace.WithTimestamp(begin.Add(time.Second)))
	s.End()
	e.Close()

	if len(c.requests) != 1 {
		t.Fatalf("%d requests", len(c.requests))
	}
	r := c.requests[0]
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Token") != "a b" || r.Header.Get("X-Other") != "1" {
		t.Errorf("got %s %v", r.URL, r.Header)
	}
	id := s.SpanContext().SpanID().String()
	want := `{"resourceSpans":[{"resource":{"attributes":[` +
		`{"key":"service.name","value":{"stringValue":"svc"}},{"key":"service.version","value":{"stringValue":"1.2.3"}}]},` +
		`"scopeSpans":[{"scope":{"name":"xmpp-notifier","version":"1.2.3"},"spans":[{` +
		`"traceId":"` + traceID + `","spanId":"` + id + `","traceState":"v=1","parentSpanId":"` + spanID + `",` +
		`"name":"process alerts","kind":5,"startTimeUnixNano":"1700000000000000005","endTimeUnixNano":"1700000001000000005",` +
		`"attributes":[{"key":"s","value":{"stringValue":"x"}},{"key":"i","value":{"intValue":"7"}},{"key":"b","value":{"boolValue":true}}],` +
		`"links":[{"traceId":"` + strings.Repeat("a", 32) + `","spanId":"` + spanID + `"}],` +
		`"status":{"code":2,"message":"too rude"}}]}]}]}`
	if got := string(c.bodies[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSendsWhatTheBeginningOfTheTraceDecided(t *testing.T) {
	c := startCollector(t, http.StatusOK)
	e := start(t, otlp.Config{Endpoint: c.URL}, io.Discard)
	_, unsampled := e.Tracer().Start(published("00-"+traceID+"-"+spanID+"-00"), "unsampled")
	_, root := e.Tracer().Start(context.Background(), "root")
	unsampled.End()
	root.End()
	e.Close()
	if !root.SpanContext().IsValid() || len(c.bodies) != 1 {
		t.Fatalf("%d requests", len(c.bodies))
	}
	if body := string(c.bodies[0]); !strings.Contains(body, `"root"`) || strings.Contains(body, "unsampled") || strings.Contains(body, "parentSpanId") || !json.Valid(c.bodies[0]) {
		t.Errorf("got %s", body)
	}
}

func TestACollectorThatRefusesIsLoggedOnceAndHoldsNothingUp(t *testing.T) {
	c := startCollector(t, http.StatusTooManyRequests)
	var log strings.Builder
	e := start(t, otlp.Config{Endpoint: c.URL, Headers: config.NewSecret("X-Token=hunter2")}, &log)
	end(e, 3000) // more than wait, and several batches
	e.Close()
	if n := strings.Count(log.String(), "traces cannot be sent"); n != 1 || !strings.Contains(log.String(), "429 Too Many Requests") {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Error("a secret is in the log")
	}
}

// held is a collector that leaves the first request without an answer until
// that is given up, or until it is let go.
type held struct {
	*httptest.Server
	asked, let chan struct{}
	spans      atomic.Int64 // of the answered requests
}

func startHeld(t *testing.T) *held {
	t.Helper()
	h := &held{asked: make(chan struct{}), let: make(chan struct{})}
	var first sync.Once
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		first.Do(func() {
			close(h.asked)
			select {
			case <-h.let:
			case <-r.Context().Done():
			}
		})
		if r.Context().Err() == nil {
			h.spans.Add(int64(bytes.Count(body, []byte(`"spanId"`))))
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func end(e *otlp.Exporter, spans int) {
	for range spans {
		_, s := e.Tracer().Start(context.Background(), "x")
		s.End()
	}
}

func TestCloseSendsWhatItInterrupts(t *testing.T) {
	c := startHeld(t)
	var log strings.Builder
	e := start(t, otlp.Config{Endpoint: c.URL}, &log)
	end(e, 1500) // several batches
	<-c.asked
	e.Close()
	if got := c.spans.Load(); got != 1500 || log.Len() > 0 {
		t.Errorf("%d spans of 1500 have arrived; log %s", got, log.String())
	}
}

func TestAFullQueueIsSaidOnce(t *testing.T) {
	c := startHeld(t)
	var log strings.Builder
	e := start(t, otlp.Config{Endpoint: c.URL}, &log)
	end(e, 1)
	<-c.asked
	end(e, 2048+7)
	close(c.let)
	e.Close()
	if text := log.String(); strings.Count(text, "traces cannot be sent") != 1 || !strings.Contains(text, "more than 2048 spans") ||
		!strings.Contains(text, "dropped=7") { // at the next turn or at the stop, whichever comes first
		t.Errorf("log %s", text)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for _, c := range []otlp.Config{
		{Endpoint: "otel:4318"},
		{Endpoint: "grpc://otel:4317"},
		{Endpoint: "http://"},
		{Headers: config.NewSecret("hunter2")},
		{Headers: config.NewSecret("a=%zz")},
		{Headers: config.NewSecret("a=b%0d%0ac")},
	} {
		if errs := c.Validate(); len(errs) != 1 || strings.Contains(errs[0].Error(), "hunter2") || !strings.Contains(errs[0].Error(), "OTEL_EXPORTER_OTLP_") {
			t.Errorf("%+v: %v", c, errs)
		}
	}
	off, err := otlp.Start(otlp.Config{}, "", nil)
	if off != nil || err != nil || off.Tracer() != nil {
		t.Error("without a collector there are no traces")
	}
	off.Close()
}
