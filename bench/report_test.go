//go:build real && linux

package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// middle is the median.
func middle(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(len(all)-1)/2] + sorted[len(all)/2]) / 2
}

// promises is the list of what must hold, and whether it did.
type promises struct{ text string }

func (p *promises) least(limit, value float64, name string, args ...any) {
	p.add(value >= limit, "%s: %.2f, promised at least %g", fmt.Sprintf(name, args...), value, limit)
}

func (p *promises) most(limit, value float64, name string, args ...any) {
	p.add(value <= limit, "%s: %.2f, promised at most %g", fmt.Sprintf(name, args...), value, limit)
}

func (p *promises) add(kept bool, format string, args ...any) {
	sign := "✓"
	if !kept {
		sign = "✗ **missed:**"
	}
	p.text += "- " + sign + " " + fmt.Sprintf(format, args...) + "\n"
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

// digits writes a number with so many digits after the point.
func digits(n int, x float64) string { return strconv.FormatFloat(x, 'f', n, 64) }

func head() string {
	versions := runtime.Version() + ", " + output("dpkg-query", "-W", "-f", "${Package} ${Version}, ", "prosody", "ejabberd")
	return fmt.Sprintf(`# Benchmarks

Written by `+"`make bench`"+`; do not edit.

- Everything runs on one machine with %d cores: brokers, XMPP server, worker, and the observer who counts.
- Versions: %s the others are in go.mod and testbed.
- A notification is 300 bytes of JSON and shown as a text of about 300 bytes, over STARTTLS with TLS 1.3. Settings are the
  defaults. Servers have no limits where nothing else is said.
- Contestants take turns. A figure is the median of the rounds, a ratio the median of the ratios within each round. CPU
  is that of a process, user and system.
- Below each part is the load average of the machine. Above 4 on two cores others were using it: rates and times say
  nothing then; CPU, allocations and memory do.
`, runtime.NumCPU(), versions)
}

// output is what a command prints, "unknown" if it fails.
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output() //nolint:noctx // it reads a file
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// cpu is how many µs all threads of a process have used so far.
func cpu(pid int) (micros float64) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is right
	for _, thread := range threads {
		micros += number(thread, "") / 1000
	}
	return micros
}

// resident returns the resident memory of a process, in MB: now (VmRSS) or at its
// highest (VmHWM).
func resident(pid int, field string) float64 {
	return number(fmt.Sprintf("/proc/%d/status", pid), field+":") / 1024
}

// number reads the number after a text in a file, 0 if there is none.
func number(path, after string) float64 {
	text, _ := os.ReadFile(path) // the process may have ended
	_, text2, _ := strings.Cut(string(text), after)
	n, _ := strconv.ParseFloat(strings.Fields(text2 + " 0")[0], 64)
	return n
}
