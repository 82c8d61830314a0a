//go:build real && linux

package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// middle is the median.
func middle(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func median(rounds []round, get func(round) float64) float64 {
	all := make([]float64, len(rounds))
	for i, r := range rounds {
		all[i] = get(r)
	}
	return middle(all)
}

// of is the median of what get says of a contestant's runs.
func of(rounds []round, name string, get func(figure) float64) float64 {
	return median(rounds, func(r round) float64 { return get(r[name]) })
}

func rate(f figure) float64 { return f.rate }
func used(f figure) float64 { return f.cpu }
func peak(f figure) float64 { return f.rss }

// promises is the list of what must hold, and whether it did.
type promises struct{ text string }

func (p *promises) atLeast(limit float64, what string, got float64) {
	p.add(got >= limit, fmt.Sprintf("%s: %.2f, promised at least %.2f", what, got, limit))
}

func (p *promises) atMost(limit float64, unit, what string, got float64) {
	p.add(got <= limit, fmt.Sprintf("%s: %.1f %s, promised at most %g", what, got, unit, limit))
}

func (p *promises) add(kept bool, text string) {
	sign := "✓"
	if !kept {
		sign = "✗ **missed:**"
	}
	p.text += "- " + sign + " " + text + "\n"
}

// table writes a table in Markdown.
type table struct{ text string }

func newTable(columns ...string) *table {
	t := &table{}
	t.row(columns...)
	t.text += strings.Repeat("|---", len(columns)) + "|\n"
	return t
}

func (t *table) row(cells ...string) { t.text += "| " + strings.Join(cells, " | ") + " |\n" }

func head() string {
	return fmt.Sprintf(`# Benchmarks

Written by `+"`make bench`"+`; do not edit.

- Everything runs on one machine (%s): brokers, XMPP server, worker, and the observer who counts.
- Versions: %s.
- A notification is 300 bytes of JSON and shown as a text of about 300 bytes, over STARTTLS with TLS 1.3. Settings are the
  defaults. Servers have no limits where nothing else is said.
- Contestants take turns. A figure is the median of the rounds, a ratio the median of the ratios within each round. CPU
  is that of the contestant's process, user and system.
- Below each part is the load average of the machine, and a warning where others were using it.
`, machine(), versions())
}

func versions() string {
	list := []string{
		"Go " + strings.TrimPrefix(runtime.Version(), "go"),
		"NATS server " + strings.TrimPrefix(output("go", "list", "-m", "-f", "{{.Version}}", "github.com/nats-io/nats-server/v2"), "v"),
	}
	for _, name := range []string{"prosody", "ejabberd"} {
		list = append(list, strings.TrimSpace(name+" "+output("dpkg-query", "-W", "-f", "${Version}", name)))
	}
	return strings.Join(list, ", ")
}

// machine describes what we run on.
func machine() string {
	name := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, found := strings.Cut(string(text), "model name\t: "); found {
			name, _, _ = strings.Cut(after, "\n")
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", name, runtime.NumCPU(), runtime.GOOS)
}

// commit names the state of the code.
func commit() string { return output("git", "describe", "--always", "--dirty", "--exclude=*") }

// output is what a command prints, "unknown" if it fails.
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output() //nolint:noctx // it reads a file
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
