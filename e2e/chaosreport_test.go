//go:build real && chaos

package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// row is the result of one run.
type row struct {
	Kind              string
	Seed              uint64
	Events            []string
	Published, Poison int
	Lost, Twice, Late int
	Recovery, Took    time.Duration
	Failed            bool
}

// rows are the results of all runs.
type rows struct {
	mu   sync.Mutex
	list []row
}

func (r *rows) add(one row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = slices.DeleteFunc(r.list, func(old row) bool { return old.Kind == one.Kind && old.Seed == one.Seed })
	r.list = append(r.list, one)
	fmt.Println(one.markdown())
}

// write writes the section. CHAOS_ROWS names a file that keeps the rows of several
// calls, for those who run the seeds in pieces.
func (r *rows) write(page string) error {
	file := os.Getenv("CHAOS_ROWS")
	if file != "" {
		fresh := r.list
		r.list = nil
		if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &r.list) != nil {
			return fmt.Errorf("%s does not hold rows", file)
		}
		for _, one := range fresh {
			r.add(one)
		}
		text, err := json.Marshal(r.list)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	return testbed.WriteSection(page, "The brokers", r.markdown())
}

// markdown is what the page of faults says.
func (r *rows) markdown() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(r.list, func(a, b row) int {
		return strings.Compare(fmt.Sprintf("%s %3d", a.Kind, a.Seed), fmt.Sprintf("%s %3d", b.Kind, b.Seed))
	})
	return r.intro() + note() + r.sums() + r.frequencies() + r.runs()
}

func (r *rows) intro() string {
	return fmt.Sprintf(`Written by `+"`make chaos`"+` on %s. Do not edit.

Three workers carry notifications from a real broker into a room of a real Prosody with an archive, while %d things
happen in each run, one after the other and in the middle of bursts: which, when and to whom follows from the seed
(`+"`CHAOS_SEED=7 go test -count=1 -tags 'real chaos' -run TestBrokerChaos ./e2e`"+` repeats that run, as far as real servers can
repeat). The ack wait is %s and the session timeout %s; what is away is away for %s. An independent occupant counts what
the room shows, and at every moment nothing may be acknowledged that it has not been shown. Every malformed message must
have become a dead letter.
The Kafka cluster is three brokers; topics are on all of them, and are written while two are in sync. Most of what happens
there happens to the brokers: leaders and the coordinator of the group are killed and moved under load. The JetStream
cluster is three servers with a stream on all of them, whose leader and whose consumer's leader are killed and moved. In
strict order one of the workers receives at a time (`+"`NATS_ORDER=strict`"+`), and late is a failure there, too.

- Machine: %d cores, %s.
- Versions: %s, %s, NATS server %s, Apache Kafka %s.
- "Late": shown for the first time after a newer one of the same partition (Kafka) or subject, by the same worker. With
  Kafka that is a failure. JetStream delivers again what a worker gave back or left behind, after newer ones: of
  those alone is it allowed, and the broker's own count of deliveries is the witness. In strict order nothing may be
  shown after a newer one of the stream, by any worker.
- Recovery: from the last event until everything is shown and acknowledged.

`, time.Now().UTC().Format(time.DateOnly), eventCount, stormAckWait, stormSession, longAbsence,
		runtime.NumCPU(), runtime.GOOS, runtime.Version(), installed("prosody"), module("github.com/nats-io/nats-server/v2"), kafkaVersion())
}

// note is what whoever ran the seeds has to say of it, from CHAOS_NOTE.
func note() string {
	if text := os.Getenv("CHAOS_NOTE"); text != "" {
		return "Note: " + text + "\n\n"
	}
	return ""
}

func kafkaVersion() string {
	version, err := testbed.KafkaVersion()
	if err != nil {
		return "of unknown version"
	}
	return version
}

// sums has a line for each broker.
func (r *rows) sums() string {
	var b strings.Builder
	b.WriteString("| broker | runs | published | malformed | lost | shown twice | late | recovery: median (longest) | failed runs |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, kind := range stormKinds() {
		var sum row
		var recoveries []time.Duration
		failed := 0
		for _, one := range r.of(kind) {
			if one.Failed {
				failed++
			}
			sum.Published += one.Published
			sum.Poison += one.Poison
			sum.Lost += one.Lost
			sum.Twice += one.Twice
			sum.Late += one.Late
			recoveries = append(recoveries, one.Recovery)
		}
		if slices.Sort(recoveries); len(recoveries) > 0 {
			fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %.1f s (%.1f s) | %d |\n", kind, len(recoveries), sum.Published, sum.Poison,
				sum.Lost, sum.Twice, sum.Late, recoveries[len(recoveries)/2].Seconds(), recoveries[len(recoveries)-1].Seconds(), failed)
		}
	}
	return b.String()
}

func (r *rows) of(kind string) []row {
	return slices.DeleteFunc(slices.Clone(r.list), func(one row) bool { return one.Kind != kind })
}

// frequencies says how often each thing happened.
func (r *rows) frequencies() string {
	count := map[string]map[string]int{}
	for _, one := range r.list {
		for _, event := range one.Events {
			if count[event] == nil {
				count[event] = map[string]int{}
			}
			count[event][one.Kind]++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n| what happened | %s |\n|---%s|\n", strings.Join(stormKinds(), " | "), strings.Repeat("|---", len(stormKinds())))
	for _, event := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(&b, "| %s |", event)
		for _, kind := range stormKinds() {
			fmt.Fprintf(&b, " %d |", count[event][kind])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (r *rows) runs() string {
	var b strings.Builder
	b.WriteString("\n| broker | seed | events | messages | result | recovery, all | verdict |\n|---|---|---|---|---|---|---|\n")
	for _, one := range r.list {
		b.WriteString(one.markdown() + "\n")
	}
	return b.String()
}

// markdown is one run as a line of a table.
func (r row) markdown() string {
	verdict := "ok"
	if r.Failed {
		verdict = "FAILED"
	}
	return fmt.Sprintf("| %s | %d | %s | %d and %d malformed | lost %d, twice %d, late %d | %.1f s, %.0f s | %s |",
		r.Kind, r.Seed, strings.Join(r.Events, "; "), r.Published, r.Poison, r.Lost, r.Twice, r.Late,
		r.Recovery.Seconds(), r.Took.Seconds(), verdict)
}

// installed is a Debian package with its version, as far as that is known.
func installed(name string) string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output() //nolint:noctx // reads a file
	if err != nil {
		return name
	}
	return name + " " + string(out)
}

// module is the version of a Go module.
func module(path string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output() //nolint:noctx // reads a file
	if err != nil {
		return "of unknown version"
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
}
