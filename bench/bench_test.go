//go:build real && linux

package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

const (
	// patience bounds every single run.
	patience = 3 * time.Minute
	// inFlight is how many messages the bare sender has in flight: the default of
	// XMPP_MAX_IN_FLIGHT.
	inFlight = 16
	// history is how many messages rooms keep: what setup asks for.
	history = 200
)

// bed is what the parts measure with.
type bed struct {
	*testing.T
	dir, binary string
	rounds      int // how often each contestant has its turn
	ways        []way
}

// product is a kind of XMPP server.
type product struct {
	name  string
	start func(context.Context, testbed.Options) (*testbed.XMPP, error)
}

func products() []product {
	return []product{{"Prosody", testbed.Prosody}, {"ejabberd", testbed.Ejabberd}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestBench measures all parts, or those that -run names; all are written to the
// file BENCH_OUT.
func TestBench(t *testing.T) {
	b := &bed{T: t, dir: t.TempDir(), rounds: 5}
	if testing.Short() {
		b.rounds = 1
	}
	var err error
	b.binary, err = testbed.Build(t.Context(), b.dir)
	must(t, err)
	b.ways = []way{b.fromNATS(), b.fromKafka()}
	parts := []struct {
		name, title string
		measure     func(*bed) string // returns the section of the report
	}{
		{"throughput", "Throughput and CPU time", throughput},
		{"storm", "Storms", storm},
		{"latency", "Latency at low load", latency},
		{"memory", "Memory", memory},
		{"allocations", "Decoding and rendering", allocations},
	}
	report, measured := head(), 0
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			begin, before := time.Now(), number("/proc/loadavg", "")
			section := p.measure(b.in(t))
			t.Log(section)
			report += fmt.Sprintf("\n## %s\n\n%s\n*%s, commit %s; it took %.0f s, load average %.1f before and %.1f after.*\n", p.title, section,
				begin.UTC().Format("2006-01-02 15:04 UTC"), output("git", "describe", "--always", "--dirty", "--exclude=*"),
				time.Since(begin).Seconds(), before, number("/proc/loadavg", ""))
			measured++
		})
	}
	if path := os.Getenv("BENCH_OUT"); path != "" && measured == len(parts) && !t.Failed() {
		must(t, os.WriteFile(path, []byte(report), 0o644)) //nolint:gosec // for everybody to read
	}
}

// in is the bed in a test of its own, which cleans up at its end.
func (b *bed) in(t *testing.T) *bed {
	inside := *b
	inside.T = t
	return &inside
}

// serve starts a server with a room, until the end of the test.
func (b *bed) serve(p product, o testbed.Options) *testbed.XMPP {
	o.Dir, o.HistorySize = filepath.Join(b.dir, name(p.name)), history
	x, err := p.start(b.Context(), o)
	must(b, err)
	b.Cleanup(func() { must(b, x.Kill()) })
	admin, err := owner.Login(b.Context(), x, "admin", "bench")
	must(b, err)
	defer admin.Close()
	must(b, admin.Create(b.Context(), owner.Room{}))
	return x
}

// startWorker starts the worker with these settings, and waits until it is in the room.
func (b *bed) startWorker(x *testbed.XMPP, env ...map[string]string) *testbed.Worker {
	w, err := testbed.StartWorker(b.binary, "run", b.dir, append(env, map[string]string{
		"XMPP_JID": "notifier@" + x.Domain, "XMPP_PASSWORD": testbed.Password("notifier"), "XMPP_ADDR": x.Addr,
		"XMPP_ROOM": roomOf(x), "XMPP_CA_FILE": x.CAFile,
	})...)
	must(b, err)
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	must(b, w.Joined(ctx))
	return w
}

func (b *bed) stop(w *testbed.Worker) { must(b, w.Stop(patience)) }

// fill makes a stream or topic with n notifications, and returns the worker's settings
// for it.
func (b *bed) fill(w way, n int) map[string]string {
	env, err := w.create(b.Context(), name("backlog"))
	must(b, err)
	must(b, w.add(b.Context(), env, n))
	return env
}

// name makes a name that was not used before.
func name(prefix string) string { return strings.ToLower(prefix + rand.Text()[:8]) }

// fewer is n, or much less if this is only to see whether it works at all.
func fewer(n int) int {
	if testing.Short() {
		return n/20 + 20
	}
	return n
}
