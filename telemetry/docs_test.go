package telemetry_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/xmpp-notifier/xmpp-notifier/telemetry"
)

var update = flag.Bool("update", false, "write the list of metrics into docs/metrics.md") //nolint:gochecknoglobals // a flag of the test

const (
	docs  = "../docs/metrics.md"
	begin = "<!-- metrics: begin -->\n"
	end   = "<!-- metrics: end -->"
)

func families(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	_, text := newDesk(telemetry.Options{}).get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	list, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestDocsListTheMetrics holds docs/metrics.md against what is served.
func TestDocsListTheMetrics(t *testing.T) {
	var want strings.Builder
	want.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	list := families(t)
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if short, ours := strings.CutPrefix(name, "xmpp_notifier_"); ours {
			f := list[name]
			fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", short, strings.ToLower(f.GetType().String()), labels(f), f.GetHelp())
		}
	}
	page, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(page), begin)
	table, tail, found := strings.Cut(rest, end)
	switch {
	case !found:
		t.Fatalf("%s has no place for the list", docs)
	case *update:
		if err := os.WriteFile(docs, []byte(head+begin+want.String()+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
	case table != want.String():
		t.Errorf("%s is out of date: run go test ./telemetry -update; want\n%s", docs, want.String())
	}
}

func labels(f *dto.MetricFamily) string {
	values := map[string][]string{}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if !slices.Contains(values[l.GetName()], l.GetValue()) {
				values[l.GetName()] = append(values[l.GetName()], l.GetValue())
			}
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch name {
		case "reason", "outcome", "code":
			slices.Sort(values[name])
			list = append(list, fmt.Sprintf("`%s`: %s", name, strings.Join(values[name], ", ")))
		default:
			list = append(list, "`"+name+"`")
		}
	}
	return strings.Join(list, "; ")
}

func TestMetricsFollowTheConventionsOfPrometheus(t *testing.T) {
	_, text := newDesk(telemetry.Options{}).get("/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestLabelsHaveFewValues holds the number of time series of one worker.
func TestLabelsHaveFewValues(t *testing.T) {
	series := 0
	for name, f := range families(t) {
		if strings.HasPrefix(name, "xmpp_notifier_") {
			series += len(f.GetMetric())
		}
	}
	if series > 150 {
		t.Errorf("%d time series", series)
	}
}

// TestDashboardShowsWhatIsThere checks that each of our metrics that the
// dashboard and the rules name is in the documentation.
func TestDashboardShowsWhatIsThere(t *testing.T) {
	docs, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"prometheus/alerts.yml", "prometheus/alerts_test.yml", "grafana/xmpp-notifier.json"} {
		text, err := os.ReadFile(filepath.Join("..", "deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`xmpp_notifier_(\w+)`).FindAllStringSubmatch(string(text), -1) {
			name := strings.TrimSuffix(m[1], "_bucket")
			if !strings.Contains(string(docs), "`"+name+"`") {
				t.Errorf("%s: there is no metric %s", file, m[0])
			}
		}
	}
}

// TestDashboardShowsAllThatIsThere checks that each of our metrics has a place
// in the dashboard.
func TestDashboardShowsAllThatIsThere(t *testing.T) {
	dashboard, err := os.ReadFile(filepath.Join("..", "deploy", "grafana", "xmpp-notifier.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range families(t) {
		if strings.HasPrefix(name, "xmpp_notifier_") && !regexp.MustCompile(name+`(_bucket)?\{`).Match(dashboard) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}
