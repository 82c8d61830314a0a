//go:build real && linux

package bench_test

import (
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// contestant is a way into the room.
type contestant struct {
	name   string
	kind   kind
	window int
	n      int
}

type kind int

const (
	bare      kind = iota // reads and writes in turn
	bareAside             // has a goroutine that writes
	viaSink
	viaNATS
	viaKafka
)

func (b *bed) contestants() []contestant {
	const n = 8000
	return []contestant{
		{"bare sender", bare, window, n},
		{"bare sender with a writer", bareAside, window, n},
		{"sink alone", viaSink, window, n},
		{"worker from JetStream", viaNATS, window, n},
		{"worker from Kafka", viaKafka, window, n},
	}
}

// sweep compares the sink with the bare sender by window.
func sweep() []contestant {
	var all []contestant
	for _, w := range sweepWindows() {
		n := 4000
		if w == 1 {
			n = 1500
		}
		all = append(all, contestant{"bare " + strconv.Itoa(w), bare, w, n}, contestant{"aside " + strconv.Itoa(w), bareAside, w, n}, contestant{"sink " + strconv.Itoa(w), viaSink, w, n})
	}
	return all
}

func sweepWindows() []int { return []int{1, 8, 15, 20, 32, 128} }

// turns lets each contestant have a run; who begins changes from round to
// round.
func (b *bed) turns(s *server, all []contestant, round int) map[string]figure {
	b.Helper()
	figures := map[string]figure{}
	for i := range all {
		c := all[(i+round)%len(all)]
		f, err := b.one(s, c)
		if err != nil {
			b.Fatalf("%s, %s: %v", s.name, c.name, err)
		}
		b.Logf("%s: %-26s %6.0f/s, CPU %5.1f µs, server %5.0f µs, %4.1f allocations, %.0f MB", s.name, c.name, f.Rate, f.CPU, f.ServerCPU, f.Mallocs, f.RSS)
		figures[c.name] = f
	}
	return figures
}

// one is one run of one contestant.
func (b *bed) one(s *server, c contestant) (figure, error) {
	if testing.Short() {
		c.n = c.n/20 + 20 // to see whether it works at all
	}
	observer, err := dial(b.Context(), s.place, "observer", "observer")
	if err != nil {
		return figure{}, err
	}
	defer func() { _ = observer.conn.Close() }()
	m := &meter{observer: observer, server: s.PID()}
	if c.kind == viaNATS || c.kind == viaKafka {
		return b.worker(m, s, c)
	}
	child, err := spawn(b.Context(), job{
		Place: s.place, Run: b.name("run"), Body: b.body, N: c.n, Window: c.window, Way: c.kind,
	})
	if err != nil {
		return figure{}, err
	}
	m.sender = child.Process.Pid
	f, err := m.run(c.n, patience)
	if err != nil {
		return f, err
	}
	f.report, err = child.end()
	return f, err
}

func (b *bed) worker(m *meter, s *server, c contestant) (figure, error) {
	var from broker = b.nats
	if c.kind == viaKafka {
		from = b.kafka
	}
	env, err := from.fill(b.Context(), b.name("backlog"), c.n)
	if err != nil {
		return figure{}, fmt.Errorf("publish: %w", err)
	}
	maps.Copy(env, map[string]string{"XMPP_WINDOW": strconv.Itoa(c.window)})
	w, err := startWorker(b.Context(), b.binary, s.place, env)
	if err != nil {
		return figure{}, err
	}
	m.sender = w.Process.Pid
	f, err := m.run(c.n, patience)
	if err != nil {
		return f, err
	}
	return f, w.stop()
}

// slow compares the sink with the bare sender on a server that is slow.
func (b *bed) slow(name string, start start, o testbed.Options, n int) []map[string]figure {
	b.Helper()
	s := b.serve(name, start, o)
	defer func() { must(b, s.Kill()) }()
	if o.Archive {
		b.fillArchive(s)
	}
	var figures []map[string]figure
	for round := range 2 {
		figures = append(figures, b.turns(s, []contestant{{"bare", bare, window, n}, {"sink", viaSink, window, n}}, round))
	}
	return figures
}

// fillArchive makes the archive as large as it takes for Prosody to become
// slow; ejabberd's is from the start.
func (b *bed) fillArchive(s *server) {
	b.Helper()
	n := 10_000
	if s.API != "" {
		n = 100
	}
	if _, err := b.one(s, contestant{"archive", bare, 128, n}); err != nil {
		b.Fatal(err)
	}
}

// TestNotificationIsAsLongAsClaimed keeps the figures comparable.
func TestNotificationIsAsLongAsClaimed(t *testing.T) {
	if n := len(notification("1234")); n < 300 || n > 400 {
		t.Errorf("a notification has %d bytes", n)
	}
}
