//go:build monitoring

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// prometheusVersion is Prometheus 3.16.0 as a Go module. The tag leaves out the
// service discoveries, which are most of it.
const (
	prometheusVersion = "v0.316.0"
	prometheusTags    = "remove_all_sd"
)

// TestMonitoring checks with Prometheus's own tools what we give to operators:
// the metrics of a running worker, the alert rules, their tests, and every
// query of the dashboard.
func TestMonitoring(t *testing.T) {
	b := bench{
		room:   func(t *testing.T) roomServer { return inProcessRoom(t, 20) },
		broker: embeddedNATS,
	}
	tr := b.trial(t, b.room(t))
	admin := testbed.FreeAddr(t)
	spans := startCollector(t)
	startWorker(t, tr.env, map[string]string{"ADMIN_ADDR": admin, "OTEL_EXPORTER_OTLP_ENDPOINT": spans.URL})
	tr.publish(300)
	tr.watch.wait(300)
	until(t, "every notification has a span", func(context.Context) (bool, error) {
		n := spans.count.Load()
		return n == 300, fmt.Errorf("%d spans", n)
	})
	if text := get(t, "http://"+admin+"/readyz"); string(text) != "ok\n" {
		t.Errorf("/readyz says %s", text)
	}

	promtool := prometheusTool(t, "promtool")
	rules := filepath.Join("..", "deploy", "prometheus")
	runTool(t, promtool, bytes.NewReader(get(t, "http://"+admin+"/metrics")), "check", "metrics", "--lint=all")
	runTool(t, promtool, nil, "check", "rules", "--lint=all", "--lint-fatal", filepath.Join(rules, "alerts.yml"))
	runTool(t, promtool, nil, "test", "rules", filepath.Join(rules, "alerts_test.yml"))

	db := startPrometheus(t, prometheusTool(t, "prometheus"), admin, filepath.Join(rules, "alerts.yml"))
	until(t, "Prometheus has two scrapes", func(context.Context) (bool, error) {
		n, err := db.query(`count_over_time(xmpp_notifier_ready[1m]) > 2`)
		return n > 0, err
	})
	for _, q := range dashboardQueries(t) {
		if n, err := db.query(q); n == 0 || err != nil {
			t.Errorf("%d values, %v: %s", n, err, q)
		}
	}
	if n, err := db.query(`ALERTS{alertstate="firing"}`); n > 0 || err != nil {
		t.Errorf("%d alerts of a worker that is well, %v", n, err)
	}
}

// collector counts the spans that it is sent.
type collector struct {
	*httptest.Server
	count atomic.Int64
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		request := &collectorpb.ExportTraceServiceRequest{}
		if err := proto.Unmarshal(body, request); err != nil {
			t.Error(err)
		}
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.count.Add(int64(len(scope.GetSpans())))
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// dashboardQueries returns the queries with values for Grafana's variables.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", "grafana", "xmpp-notifier.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			queries = append(queries, strings.NewReplacer("$job", ".*", "$instance", ".*", "$__rate_interval", "1m").Replace(target.Expr))
		}
	}
	if len(queries) < 20 || strings.Contains(strings.Join(queries, ""), "$") {
		t.Fatalf("these are not all queries: %q", queries)
	}
	return queries
}

func get(t *testing.T, address string) []byte {
	t.Helper()
	_, body, err := ask(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// prometheusTool returns the path of a program of Prometheus, which is built
// if need be; that takes minutes.
func prometheusTool(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "xmpp-notifier-testbed", "prometheus-"+prometheusVersion)
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.CommandContext(t.Context(), "go", "install", "-tags", prometheusTags,
		"github.com/prometheus/prometheus/cmd/"+name+"@"+prometheusVersion)
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

func runTool(t *testing.T, tool string, stdin io.Reader, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), tool, args...)
	command.Stdin = stdin
	out, err := command.CombinedOutput()
	t.Logf("promtool %s\n%s", strings.Join(args, " "), out)
	if err != nil {
		t.Errorf("promtool %s: %v", strings.Join(args, " "), err)
	}
}

// prometheus is a running server.
type prometheus struct{ addr string }

func startPrometheus(t *testing.T, binary, target, rules string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [%q]\n"+
		"scrape_configs: [{ job_name: xmpp-notifier, static_configs: [{ targets: [%q] }] }]\n", rules, target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{testbed.FreeAddr(t)}
	var log bytes.Buffer
	command := exec.CommandContext(t.Context(), binary, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.addr)
	command.Stdout, command.Stderr = &log, &log
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the test's context has ended it
		_ = command.Wait()
		if t.Failed() {
			t.Logf("log of Prometheus:\n%s", log.String())
		}
	})
	return p
}

// query returns how many values a query gives.
func (p *prometheus) query(q string) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	address := "http://" + p.addr + "/api/v1/query?query=" + url.QueryEscape(q)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error string
		Data  struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Error != "" {
		return 0, errors.New(answer.Error)
	}
	return len(answer.Data.Result), nil
}
