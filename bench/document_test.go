//go:build real && linux

package bench_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// putSection writes the report with a new section for the part called name;
// those of the other parts stay as they are.
func putSection(path, name, section string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var b strings.Builder
	b.WriteString(head())
	for _, p := range parts() {
		text := section
		if p.name != name {
			text = sectionOf(string(old), p.name)
		}
		if text != "" {
			fmt.Fprintf(&b, "\n## %s\n\n%s%s%s", p.title, mark(p.name, "begin"), text, mark(p.name, "end"))
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o644) //nolint:gosec // for everybody to read
}

// sectionOf returns the section of a part in a report, "" if it is not there.
func sectionOf(report, name string) string {
	_, after, _ := strings.Cut(report, mark(name, "begin"))
	section, _, _ := strings.Cut(after, mark(name, "end"))
	return section
}

func mark(name, what string) string { return fmt.Sprintf("<!-- %s: %s -->\n", name, what) }

func head() string {
	return fmt.Sprintf(`# Benchmarks

Written by `+"`make bench`"+`; do not edit. `+"`make bench PART=latency`"+` measures one part anew.

- Machine: %s. Everything runs on it: the brokers, the XMPP server, the worker, and the observer who counts. The XMPP
  server has the first core for itself, so that it is the limit; all others share the rest. Virtual
  cores may be two threads of one: a server is then the faster the less its neighbours do, the brokers among them. So
  rates are compared at equal pace of the server's core where a table says so.
- Versions: %s.
- A notification is 300 bytes of JSON and shown as a text of about 300 bytes. All connections to the room use STARTTLS
  with TLS 1.3. The window (three times `+"`XMPP_MAX_IN_FLIGHT`"+`) is %d where nothing else is said. Bare senders have
  all of it on their way to the room, the sink and the worker a third: the rest is for what the room has just shown
  (decision 2).
- The contestants take turns, and who begins changes. A figure is the median of its rounds, a ratio the median of the
  ratios within each round: what disturbs a round disturbs all of it. In brackets is where the true median is with a
  probability of 95 %% (order statistics; of less than nine rounds it is the whole range).
- CPU is that of the contestant's process alone, user and system. Machines differ, and a virtual one from day to day: the
  bare sender on Prosody, which does next to nothing, took %.1f µs on one and 13 µs on another. What is promised in µs is
  meant for the former, and on another machine as many times what the bare sender takes there.
- Below each part is the load average of the machine. Where that is well above the number of cores, others were using it:
  rates, times and ratios then say little, as their spread shows; CPU, allocations and memory stay valid.
`, machine(), versions(), window, bareThen)
}

func TestSectionsOfOtherPartsStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.md")
	for _, put := range [][2]string{{"start", "a\n"}, {"throughput", "b\n"}, {"start", "c\n"}} {
		must(t, putSection(path, put[0], put[1]))
	}
	text, err := os.ReadFile(path)
	must(t, err)
	got := string(text)
	if sectionOf(got, "start") != "c\n" || sectionOf(got, "throughput") != "b\n" || strings.Index(got, "b\n") > strings.Index(got, "c\n") {
		t.Errorf("got %s", got)
	}
}
