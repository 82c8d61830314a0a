//go:build real && linux

package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
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

// part is one section of the report.
type part struct {
	name, title string
	measure     func(*bed) string // returns the section
}

func parts() []part {
	return []part{
		{"throughput", "Throughput", throughput},
		{"limits", "Servers with rate limits", limits},
		{"latency", "Latency at low load", latency},
		{"memory", "Memory", memory},
		{"allocations", "Allocations and CPU time", allocations},
		{"start", "Start and size", start},
	}
}

// bed is what one part measures with.
type bed struct {
	*testing.T
	*common
}

// common is what all parts share. The brokers start when they are needed.
type common struct {
	dir    string
	rounds int // how often each contestant has its turn
	count  int // makes names unique
	binary func() string
	nats   func() *natsBroker
	kafka  func() *kafkaBroker
}

// server is an XMPP server with a room.
type server struct {
	*testbed.XMPP
	place
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
// file BENCH_OUT. BENCH_ROUNDS is how often each contestant has its turn.
func TestBench(t *testing.T) {
	c := &common{dir: t.TempDir(), rounds: 5}
	if testing.Short() {
		c.rounds = 1
	}
	if text := os.Getenv("BENCH_ROUNDS"); text != "" {
		var err error
		c.rounds, err = strconv.Atoi(text)
		must(t, err)
	}
	c.binary = sync.OnceValue(func() string { return build(t) })
	c.nats = sync.OnceValue(func() *natsBroker { return newNATS(t, filepath.Join(c.dir, "nats")) })
	c.kafka = sync.OnceValue(func() *kafkaBroker { return newKafka(t, filepath.Join(c.dir, "kafka")) })
	report := head()
	measured := 0
	for _, p := range parts() {
		t.Run(p.name, func(t *testing.T) {
			report += "\n## " + p.title + "\n\n" + (&bed{t, c}).take(p)
			measured++
		})
	}
	if path := os.Getenv("BENCH_OUT"); path != "" && measured == len(parts()) && !t.Failed() {
		must(t, os.WriteFile(path, []byte(report), 0o644)) //nolint:gosec // for everybody to read
	}
}

// take measures a part and returns its section of the report.
func (b *bed) take(p part) string {
	b.Helper()
	begin, before := time.Now(), load()
	section := p.measure(b)
	after := load()
	section += fmt.Sprintf("\n*%s, commit %s; it took %.0f s, load average %.1f before and %.1f after.*\n",
		begin.UTC().Format("2006-01-02 15:04 UTC"), commit(), time.Since(begin).Seconds(), before, after)
	if cores := float64(runtime.NumCPU()); min(before, after) > 2*cores {
		section += "\n**Others were using the machine: rates and times of this part say nothing, CPU, allocations and memory do.**\n"
	}
	b.Log(section)
	return section
}

// serve starts a server with a room, until the end of the part.
func (b *bed) serve(p product, o testbed.Options) *server {
	b.Helper()
	o.Dir, o.HistorySize = filepath.Join(b.dir, b.name(p.name)), history
	x, err := p.start(b.Context(), o)
	must(b, err)
	b.Cleanup(func() { must(b, x.Kill()) })
	admin, err := owner.Login(b.Context(), x, "admin", "bench")
	must(b, err)
	defer admin.Close()
	must(b, admin.Create(b.Context(), owner.Room{}))
	return &server{x, place{Addr: x.Addr, Domain: x.Domain, CAFile: x.CAFile, Room: "bench@" + x.MUC}}
}

// name makes a name that was not used before.
func (b *bed) name(prefix string) string {
	b.count++
	return fmt.Sprintf("%s%d", strings.ToLower(prefix), b.count)
}

// fewer is n, or much less if this is only to see whether it works at all.
func fewer(n int) int {
	if testing.Short() {
		return n/20 + 20
	}
	return n
}
