//go:build real

package chaos_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// report is everything that was seen.
type report struct {
	bed   *bed
	sets  []*serverSet
	began time.Time
	load  string // at that time
}

// write puts the report into its section of the page. If only some faults were
// driven, it replaces their rows and says so.
func (r *report) write(page, only string) error {
	text := r.markdown()
	if only != "" {
		old, err := testbed.Section(page, heading)
		if err != nil {
			return err
		}
		text = r.replace(strings.TrimPrefix(old, "## "+heading+"\n"), only)
	}
	return testbed.WriteSection(page, heading, text)
}

// heading is that of the section, killed that of its last part.
const (
	heading = "The room"
	killed  = "Servers killed"
)

// replace returns the old section with the rows that were run again. Those of faults
// that are new come last in their table.
func (r *report) replace(old, only string) string {
	old = strings.Replace(old, "\n### ", fmt.Sprintf("\nRun again on %s: the rows that match `%s`, with XMPP_MAX_IN_FLIGHT=%d and CHAOS_SEED=%d.\n\n### ",
		r.began.UTC().Format(time.DateOnly), only, inFlight, r.bed.seed), 1)
	for _, f := range r.sets {
		for _, row := range f.rows {
			old = inTable(old, f.kind.name, row.fault.name, row.markdown())
		}
		if f.depths != nil {
			old = inTable(old, killed, f.kind.name, f.depths.markdown(f.kind.name))
		}
	}
	return old
}

// inTable puts a row into the table under a title, in place of the one that begins with
// name, or behind all others.
func inTable(page, title, name, row string) string {
	before, rest, found := strings.Cut(page, "### "+title+"\n")
	if !found {
		return page
	}
	table := regexp.MustCompile(`(?m)(^\|.*\n)+`).FindStringIndex(rest)
	if table == nil {
		return page
	}
	rows := strings.SplitAfter(rest[table[0]:table[1]], "\n")
	i := slices.IndexFunc(rows, func(line string) bool { return strings.HasPrefix(line, "| "+name+" |") })
	if i < 0 {
		rows = slices.Insert(rows, len(rows)-1, row) // the last is empty
	} else {
		rows[i] = row
	}
	return before + "### " + title + "\n" + rest[:table[0]] + strings.Join(rows, "") + rest[table[1]:]
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `Written by `+"`make chaos`"+` on %s, in %s.

Each fault is driven for real, on real servers, in the middle of a run of %d
notifications (fewer on slow servers) that the worker carries from JetStream into
the room with XMPP_MAX_IN_FLIGHT=%d. Another occupant counts what the room shows.

- *counted by the worker*: the sum of `+"`possible_duplicates`"+` in its log, which is also the metric
  `+"`possible_duplicates_total`"+`.
- *recovery*: seconds from when the cause is gone until the room shows notifications again,
  the median and the longest. The worker ran with XMPP_RECONNECT_MAX=2s and
  XMPP_PING_INTERVAL=1s (slow servers: 15s); with the defaults it asks less often.
- *why*: the reason for which something may be repeated or out of order. Where the room has forgotten, what was in
  flight is resent, and so is what was reflected in the last 250 ms of a connection that did not end in order:
  never more than three times XMPP_MAX_IN_FLIGHT in one run.
- *archive*: what a server took while it was stopping may be in the archive alone, and not in the history that a join
  replays (ejabberd). It counts as shown; the observer reads the archive.

Machine: %d cores, %s, shared by both servers, two workers and others; load average before %s, after %s.
Versions: %s, %s, %s, NATS server %s. Seed: CHAOS_SEED=%d.
`, r.began.UTC().Format(time.DateOnly), time.Since(r.began).Round(time.Second), usual, inFlight, runtime.NumCPU(), runtime.GOOS, r.load, load(),
		runtime.Version(), packageVersion("prosody"), packageVersion("ejabberd"), natsVersion(), r.bed.seed)
	for _, f := range r.sets {
		fmt.Fprintf(&b, "\n### %s\n\n| fault | runs | lost | repeated | counted by the worker | out of order | recovery | why |\n|---|---|---|---|---|---|---|---|\n", f.kind.name)
		for _, row := range f.rows {
			b.WriteString(row.markdown())
		}
	}
	r.kills(&b)
	return b.String()
}

func (r *row) markdown() string {
	repeated, runs, recovery := fmt.Sprint(r.repeated), fmt.Sprint(r.runs), "-"
	if r.repeated > 0 {
		repeated = fmt.Sprintf("%d (at most %d at once)", r.repeated, r.worst.repeated)
	}
	if r.failed > 0 {
		runs += fmt.Sprintf(", **%d failed**", r.failed)
	}
	if n := len(r.recovers); n > 0 {
		recovery = fmt.Sprintf("%.1f (%.1f)", r.recovers[n/2].Seconds(), r.recovers[n-1].Seconds())
	}
	return fmt.Sprintf("| %s | %s | %d | %s | %d | %d | %s | %s |\n", r.fault.name, runs, r.lost, repeated, r.counted,
		r.disorder, recovery, r.fault.forgets+r.fault.reorders)
}

func (r *report) kills(b *strings.Builder) {
	if r.sets[0].depths == nil {
		return
	}
	b.WriteString("\n### " + killed + `

A server that is killed may have reflected a notification to the worker, and not yet have sent it to others. The worker
therefore sends its last reflected notifications again to a server that has forgotten its history. How often that
happened, how deep it went, counted back from the last reflected notification, and what was lost in the end:

| server | kills | with reflected but unshown ones | how many at most | how deep | lost |
|---|---|---|---|---|---|
`)
	for _, f := range r.sets {
		b.WriteString(f.depths.markdown(f.kind.name))
	}
}

func (d *depths) markdown(server string) string {
	most := 0
	for _, n := range d.unshown {
		most = max(most, n)
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d |\n", server, d.runs, len(d.unshown), most, d.deepest, d.lost)
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
