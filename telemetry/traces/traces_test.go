package traces_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry/traces"
)

// received is what a collector was sent.
type received struct {
	collector.UnimplementedTraceServiceServer
	answer int // 0: all is well

	mu      sync.Mutex
	path    string
	headers map[string][]string // names in lower case
	service string
	spans   []*otlp.Span
}

func (r *received) take(path string, headers map[string][]string, request *collector.ExportTraceServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.path, r.headers = path, map[string][]string{}
	for name, values := range headers {
		r.headers[strings.ToLower(name)] = values
	}
	for _, resource := range request.GetResourceSpans() {
		for _, a := range resource.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				r.service = a.GetValue().GetStringValue()
			}
		}
		for _, s := range resource.GetScopeSpans() {
			r.spans = append(r.spans, s.GetSpans()...)
		}
	}
}

// Export is the service that OTLP over gRPC calls.
func (r *received) Export(ctx context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	r.take("", headers, request)
	return &collector.ExportTraceServiceResponse{}, nil
}

func (r *received) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	request := &collector.ExportTraceServiceRequest{}
	if q.Header.Get("Content-Type") == "application/json" {
		err = errors.Join(err, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, request))
	} else {
		err = errors.Join(err, proto.Unmarshal(body, request))
	}
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case r.answer != 0:
		http.Error(w, strings.Repeat("too much ", 1000), r.answer)
	default:
		r.take(q.URL.Path, q.Header, request)
	}
}

func startHTTP(t *testing.T, r *received) string {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL
}

func startGRPC(t *testing.T, r *received) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, r)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return "http://" + listener.Addr().String()
}

// load sets the variables and reads them as the program does.
func load(t *testing.T, env map[string]string) (traces.Config, []error) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	var cfg traces.Config
	_, errs := config.Load(config.Group{Spec: &cfg})
	return cfg, errs
}

// send makes the spans that work asks for and returns the log.
func send(t *testing.T, env map[string]string, work func(trace.Tracer)) string {
	t.Helper()
	cfg, errs := load(t, env)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var log strings.Builder
	s, err := traces.Start(t.Context(), cfg, "1.2.3", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if tracer := s.Tracer(); tracer != nil {
		work(tracer)
	}
	s.Close()
	return log.String()
}

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

func published(flags string) context.Context {
	return propagation.TraceContext{}.Extract(context.Background(),
		propagation.MapCarrier{"traceparent": "00-" + traceID + "-" + spanID + "-" + flags, "tracestate": "v=1"})
}

func one(tracer trace.Tracer) {
	begin := time.Unix(1700000000, 5)
	_, s := tracer.Start(published("01"), "process alerts", trace.WithTimestamp(begin),
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attribute.String("s", "x")))
	s.SetStatus(codes.Error, "too rude")
	s.End(trace.WithTimestamp(begin.Add(time.Second)))
}

func TestSpansArriveOverEveryProtocol(t *testing.T) {
	for protocol, start := range map[string]func(*testing.T, *received) string{
		"": startHTTP, "http/protobuf": startHTTP, "http/json": startHTTP, "grpc": startGRPC,
	} {
		t.Run(protocol, func(t *testing.T) {
			r := &received{}
			log := send(t, map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": start(t, r), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
				"OTEL_EXPORTER_OTLP_HEADERS": "X-Token=a%20b, X-Other=1",
			}, one)
			if len(r.spans) != 1 || log != "" {
				t.Fatalf("%d spans; log %s", len(r.spans), log)
			}
			if protocol != "grpc" && r.path != "/v1/traces" {
				t.Errorf("sent to %s", r.path)
			}
			if !slices.Equal(r.headers["x-token"], []string{"a b"}) || !slices.Equal(r.headers["x-other"], []string{"1"}) || r.service != "xmpp-notifier" {
				t.Errorf("service %s, headers %v", r.service, r.headers)
			}
			s := r.spans[0]
			if s.GetName() != "process alerts" || s.GetTraceState() != "v=1" || s.GetStatus().GetMessage() != "too rude" ||
				s.GetKind() != otlp.Span_SPAN_KIND_CONSUMER || s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano() != uint64(time.Second) {
				t.Errorf("got %v", s)
			}
		})
	}
}

// TestStandardVariablesMeanWhatTheySay takes one of each kind that the SDK reads.
func TestStandardVariablesMeanWhatTheySay(t *testing.T) {
	for name, c := range map[string]struct {
		env           map[string]string
		spans         int
		path, service string
	}{
		"for traces alone": {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "URL/mine", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, spans: 1, path: "/mine"},
		"service":          {env: map[string]string{"OTEL_SERVICE_NAME": "svc"}, spans: 1, service: "svc"},
		"resource":         {env: map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "service.name=other,x=y"}, spans: 1, service: "other"},
		"sampler":          {env: map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}},
		"no exporter":      {env: map[string]string{"OTEL_TRACES_EXPORTER": "none"}},
		"no SDK":           {env: map[string]string{"OTEL_SDK_DISABLED": "true"}},
		"compression":      {env: map[string]string{"OTEL_EXPORTER_OTLP_COMPRESSION": "none"}, spans: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := &received{}
			url := startHTTP(t, r)
			env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url}
			maps.Copy(env, c.env)
			for key, value := range env {
				env[key] = strings.Replace(value, "URL", url, 1)
			}
			log := send(t, env, one)
			if len(r.spans) != c.spans || c.path != "" && r.path != c.path || c.service != "" && r.service != c.service || log != "" {
				t.Errorf("%d spans to %s of %s; log %s", len(r.spans), r.path, r.service, log)
			}
		})
	}
}

// TestTheSDKIsHeard: what it cannot do with a variable is in the log.
func TestTheSDKIsHeard(t *testing.T) {
	log := send(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": startHTTP(t, &received{}), "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, one)
	if !strings.Contains(log, "traces are incomplete") || !strings.Contains(log, "parse duration") {
		t.Errorf("logged %q", log)
	}
}

func TestWhatIsSampledWasDecidedWhereTheTraceBegan(t *testing.T) {
	r := &received{}
	send(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": startHTTP(t, r)}, func(tracer trace.Tracer) {
		_, unsampled := tracer.Start(published("00"), "unsampled")
		unsampled.End()
		_, root := tracer.Start(context.Background(), "root")
		root.End()
	})
	if len(r.spans) != 1 || r.spans[0].GetName() != "root" || len(r.spans[0].GetParentSpanId()) != 0 {
		t.Errorf("got %v", r.spans)
	}
}

func TestACollectorThatRefusesIsLoggedOnceAndWithoutSecrets(t *testing.T) {
	r := &received{answer: http.StatusForbidden}
	log := send(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": startHTTP(t, r), "OTEL_EXPORTER_OTLP_HEADERS": "X-Token=hunter2",
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
	}, func(tracer trace.Tracer) {
		for range 100 {
			one(tracer)
		}
	})
	if n := strings.Count(log, "traces cannot be sent"); n != 1 || !strings.Contains(log, "403 Forbidden") || !strings.Contains(log, "dropped=100") {
		t.Errorf("logged %d times: %s", n, log)
	}
	if len(log) > 2000 || strings.Contains(log, "hunter2") {
		t.Errorf("logged %s", log)
	}
}

func TestSettingsAreCheckedAndNoSecretIsShown(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT":          "http://me:hunter2@otel:4318",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":   "http://me:hunter2%zz@otel:4318",
		"OTEL_EXPORTER_OTLP_HEADERS":           "hunter2",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":    "Bad Name=hunter2",
		"OTEL_EXPORTER_OTLP_PROTOCOL":          "thrift",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL":   "http",
		"OTEL_TRACES_EXPORTER":                 "zipkin",
		"OTEL_EXPORTER_OTLP_CERTIFICATE":       "/does/not/exist",
		"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": "/does/not/exist",
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := load(t, map[string]string{name: value})
			if len(errs) != 1 || strings.Contains(errs[0].Error(), "hunter2") || !strings.Contains(errs[0].Error(), name) {
				t.Errorf("%s=%s: %v", name, value, errs)
			}
		})
	}
	for _, value := range []string{"otel:4318", "grpc://otel:4317", "http://"} {
		if _, errs := load(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": value}); len(errs) != 1 {
			t.Errorf("%s: %v", value, errs)
		}
	}
	for _, value := range []string{"a=%zz", "a=b%0d%0ac", "a=%01", "=b"} {
		if errs := (traces.Config{Headers: config.NewSecret(value)}).Validate(); len(errs) != 1 {
			t.Errorf("%s: %v", value, errs)
		}
	}
}

func TestWithoutACollectorThereAreNoTraces(t *testing.T) {
	off, err := traces.Start(t.Context(), traces.Config{}, "", nil)
	if off != nil || err != nil || off.Tracer() != nil {
		t.Error("there are traces")
	}
	off.Close()
}
