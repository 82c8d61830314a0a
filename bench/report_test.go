//go:build real && linux

package bench_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// results is everything that was measured.
type results struct {
	bed        *bed
	servers    []*serverResults
	begin, end string // load averages
}

type serverResults struct {
	name               string
	version            string
	main, sweep        []map[string]figure
	throttled, archive []map[string]figure
	latency            map[string][]time.Duration
	startup            []time.Duration
}

// median returns the middle of what get says of the contestant's runs.
func median(rounds []map[string]figure, name string, get func(figure) float64) float64 {
	var all []float64
	for _, round := range rounds {
		all = append(all, get(round[name]))
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func rate(f figure) float64      { return f.Rate }
func used(f figure) float64      { return f.CPU }
func serverCPU(f figure) float64 { return f.ServerCPU }
func rss(f figure) float64       { return f.RSS }
func mallocs(f figure) float64   { return f.Mallocs }

// spread returns the slowest and the fastest run.
func spread(rounds []map[string]figure, name string) string {
	slow, fast := rounds[0][name].Rate, rounds[0][name].Rate
	for _, round := range rounds {
		slow, fast = min(slow, round[name].Rate), max(fast, round[name].Rate)
	}
	return fmt.Sprintf("%.0f–%.0f", slow, fast)
}

// ratio returns the median, over the rounds, of the quotient of a contestant
// and the faster of the bare senders: what disturbs a round disturbs both.
func ratio(rounds []map[string]figure, name string, bare ...string) float64 {
	var all []float64
	for _, round := range rounds {
		ceiling := 0.0
		for _, other := range bare {
			ceiling = max(ceiling, round[other].Rate)
		}
		all = append(all, round[name].Rate/ceiling)
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func (r *results) markdown() string {
	var b strings.Builder
	r.head(&b)
	for _, s := range r.servers {
		fmt.Fprintf(&b, "\n## %s\n\n", s.name)
		s.throughput(&b)
		s.windows(&b)
		s.slowness(&b)
		s.single(&b)
	}
	return b.String()
}

func (r *results) head(b *strings.Builder) {
	fmt.Fprintf(b, `# Benchmarks

Written by `+"`make bench`"+` on %s. Do not edit.

- Machine: %s. Load average (1 and 5 min) before: %s, after: %s.
- Versions: %s.
- A notification is shown as a text of %d bytes. All connections to the room use STARTTLS with TLS 1.3. The window is
  %d where nothing else is said.
- The ceiling is the faster one of two bare senders. Both write stanzas that are ready; one writes as many as each read
  brings echoes, the other writes what the window allows while it reads.
- An observer in the same room counts for all contestants alike. Medians of %d runs in turn (windows: %d); a ratio is
  the median of the ratios within each round. CPU is that of the sender's process alone.
- The binary, static and stripped, has %.1f MB.
`, time.Now().UTC().Format(time.DateOnly), machine(), r.begin, r.end, r.versions(), len(r.bed.body), window,
		len(r.servers[0].main), len(r.servers[0].sweep), float64(r.bed.bytes)/1e6)
}

func (r *results) versions() string {
	list := []string{goVersion(), "NATS server " + moduleVersion("github.com/nats-io/nats-server/v2"), "Kafka " + kafkaVersion()}
	for _, s := range r.servers {
		list = append(list, s.version)
	}
	return strings.Join(list, ", ")
}

func (s *serverResults) throughput(b *strings.Builder) {
	b.WriteString("| | per second | slowest–fastest | ÷ ceiling | CPU µs each | server's CPU µs each | allocations each | peak memory MB |\n" +
		"|---|---|---|---|---|---|---|---|\n")
	for _, c := range (&bed{}).contestants() {
		row := []string{
			c.name, fmt.Sprintf("%.0f", median(s.main, c.name, rate)), spread(s.main, c.name),
			fmt.Sprintf("%.2f", ratio(s.main, c.name, "bare sender", "bare sender with a writer")),
			fmt.Sprintf("%.1f", median(s.main, c.name, used)), fmt.Sprintf("%.0f", median(s.main, c.name, serverCPU)), "", "",
		}
		if c.kind == viaSink {
			row[6] = fmt.Sprintf("%.1f", median(s.main, c.name, mallocs))
		}
		if c.kind >= viaNATS {
			row[7] = fmt.Sprintf("%.0f", median(s.main, c.name, rss))
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
}

func (s *serverResults) windows(b *strings.Builder) {
	b.WriteString("\nBy window:\n\n| window | bare/s | bare with a writer/s | sink/s | sink ÷ ceiling | bare CPU µs | sink CPU µs |\n|---|---|---|---|---|---|---|\n")
	for _, w := range sweepWindows() {
		bare, aside, sink := fmt.Sprint("bare ", w), fmt.Sprint("aside ", w), fmt.Sprint("sink ", w)
		fmt.Fprintf(b, "| %d | %.0f | %.0f | %.0f | %.2f | %.1f | %.1f |\n", w, median(s.sweep, bare, rate), median(s.sweep, aside, rate),
			median(s.sweep, sink, rate), ratio(s.sweep, sink, bare, aside), median(s.sweep, bare, used), median(s.sweep, sink, used))
	}
}

func (s *serverResults) slowness(b *strings.Builder) {
	b.WriteString("\nOn a slow server:\n\n| | bare/s | sink/s | ratio |\n|---|---|---|---|\n")
	for _, row := range []struct {
		name   string
		rounds []map[string]figure
	}{{"with the limits that Debian ships", s.throttled}, {"room with a large archive", s.archive}} {
		fmt.Fprintf(b, "| %s | %.1f | %.1f | %.2f |\n", row.name, median(row.rounds, "bare", rate),
			median(row.rounds, "sink", rate), ratio(row.rounds, "sink", "bare"))
	}
}

func (s *serverResults) single(b *strings.Builder) {
	b.WriteString("\nLatency at low load, from the call that sends or publishes until the observer has read it:\n\n" +
		"| | p50 ms | p99 ms | p50 over bare | p99 over bare |\n|---|---|---|---|---|\n")
	for _, name := range []string{"bare", "sink", "worker from JetStream", "worker from Kafka"} {
		p50, p99 := quantile(s.latency[name], 0.5), quantile(s.latency[name], 0.99)
		fmt.Fprintf(b, "| %s | %.2f | %.2f | %.2f | %.2f |\n", name, p50, p99,
			p50-quantile(s.latency["bare"], 0.5), p99-quantile(s.latency["bare"], 0.99))
	}
	fmt.Fprintf(b, "\nFrom the start of the process to its seat in the room: %.0f ms (median of %d).\n",
		1000*s.startup[len(s.startup)/2].Seconds(), len(s.startup))
}

// quantile returns a quantile of sorted durations, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	return 1000 * sorted[int(q*float64(len(sorted)-1))].Seconds()
}
