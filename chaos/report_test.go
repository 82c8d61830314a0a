//go:build real

package chaos_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report is everything that was seen.
type report struct {
	bed    *bed
	rows   []*row
	depths []*depths
	begin  string // load average
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Faults

Written by `+"`make chaos`"+` on %s. Do not edit.

Each fault is driven for real, on real servers, in the middle of a run of %d notifications (fewer on slow servers)
that the worker carries from JetStream into the room with a window of %d. Another occupant counts what the room shows.
Recovery is the time from when the cause is gone until the room shows notifications again: the median and the longest.
The worker ran with XMPP_RECONNECT_MAX=2s and XMPP_PING_INTERVAL=1s (slow servers: 15s); with the defaults it asks less
often. "Worker spoke of" is the sum of perhaps_shown_twice in its log.

- Machine: %d cores, %s. Load average before: %s, after: %s.
- Versions: %s, %s, %s, NATS server %s.
- Seed: CHAOS_SEED=%d.
`, time.Now().UTC().Format(time.DateOnly), usual, window, runtime.NumCPU(), runtime.GOOS, r.begin, load(),
		runtime.Version(), packageVersion("prosody"), packageVersion("ejabberd"), natsVersion(), r.bed.seed)
	for _, k := range kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n| fault | runs | lost | repeated | worker spoke of | out of order | recovery s | why it may repeat |\n|---|---|---|---|---|---|---|---|\n", k.name)
		for _, row := range r.rows {
			if row.server == k.name && row.runs > 0 {
				b.WriteString(row.markdown())
			}
		}
	}
	r.kills(&b)
	return b.String()
}

func (r *row) markdown() string {
	repeated := fmt.Sprint(r.repeated)
	if r.repeated > 0 {
		repeated = fmt.Sprintf("%d (at most %d at once)", r.repeated, r.worst.repeated)
	}
	return fmt.Sprintf("| %s | %d | %d | %s | %d | %d | %.1f (%.1f) | %s |\n", r.fault.name, r.runs, r.lost, repeated, r.perhaps,
		r.disorder, r.recovers[len(r.recovers)/2].Seconds(), r.recovers[len(r.recovers)-1].Seconds(), r.fault.forgets)
}

func (r *report) kills(b *strings.Builder) {
	if len(r.depths) == 0 {
		return
	}
	b.WriteString(`
## Servers killed

A server that is killed may have reflected a notification to the worker, and not yet have sent it to others. The worker
therefore sends its last reflected notifications again to a server that has forgotten its history. How often that
happened, how deep it went, counted back from the last reflected notification, and what was lost in the end:

| server | kills | with reflected but unshown ones | how many at most | how deep | lost |
|---|---|---|---|---|---|
`)
	for _, d := range r.depths {
		most := 0
		for _, n := range d.unshown {
			most = max(most, n)
		}
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d |\n", d.server, d.runs, len(d.unshown), most, d.deepest, d.lost)
	}
}

// load is the load average of the machine.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:2], " ")
}

func natsVersion() string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/nats-io/nats-server/v2").Output() //nolint:noctx // reads a file
	if err != nil {
		return "of unknown version"
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
}

// packageVersion is the version of a Debian package, or just its name.
func packageVersion(name string) string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output() //nolint:noctx // reads a file
	if err != nil {
		return name
	}
	return name + " " + string(out)
}
