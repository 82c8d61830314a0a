//go:build real && linux

package bench_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"
)

// contestant is a way into the room.
type contestant struct {
	name   string
	kind   kind
	window int
	n      int // messages
	first  int // of them, which do not count: the run-up
}

type kind int

const (
	bare      kind = iota // reads and writes in turn
	bareAside             // has a goroutine that writes
	viaSink
	viaNATS
	viaKafka
	viaBrisk

	drainNATS // the source, without a room
	fetchNATS
	iterateNATS
	drainKafka
	readKafka

	probing // the pace of the server's core
)

// turns lets each contestant have a run; who begins changes from round to
// round.
func (b *bed) turns(s *server, all []contestant, body string, number int) round {
	b.Helper()
	figures := round{}
	for i := range all {
		c := all[(i+number)%len(all)]
		c.n, c.first = fewer(c.n), min(c.first, fewer(c.n)/2)
		f, err := b.one(s, c, body)
		if err != nil {
			b.Fatalf("%s, %s: %v", s.name, c.name, err)
		}
		b.Logf("%s: %-26s %6.0f/s, CPU %5.1f µs, server %5.0f µs, %4.1f allocations, %.0f MB, pace %.0f", s.name, c.name, f.Rate, f.CPU, f.ServerCPU, f.Mallocs, f.RSS, f.Pace)
		figures[c.name] = f
	}
	return figures
}

// one is one run of one contestant.
func (b *bed) one(s *server, c contestant, body string) (figure, error) {
	observer, err := dial(b.Context(), s.place, "observer", "observer")
	if err != nil {
		return figure{}, err
	}
	defer func() { _ = observer.conn.Close() }()
	m := &meter{observer: observer, server: s.PID()}
	if c.kind == viaNATS || c.kind == viaKafka || c.kind == viaBrisk {
		return b.worker(m, s, c)
	}
	child, err := spawn(b.Context(), job{
		Place: s.place, Run: b.name("run"), Body: body, N: c.n, Window: c.window, Way: c.kind,
	})
	if err != nil {
		return figure{}, err
	}
	m.sender = child.Process.Pid
	f, err := m.run(b.Context(), c.first, c.n, patience)
	if err != nil {
		return f, err
	}
	f.report, err = child.end()
	return f, err
}

func (b *bed) worker(m *meter, s *server, c contestant) (figure, error) {
	env, err := b.broker(c.kind).fill(b.Context(), b.name("backlog"), c.n)
	if err != nil {
		return figure{}, fmt.Errorf("publish: %w", err)
	}
	maps.Copy(env, map[string]string{"XMPP_MAX_IN_FLIGHT": strconv.Itoa(c.window / 3)})
	w, err := startWorker(b.Context(), b.binary(), s.place, env)
	if err != nil {
		return figure{}, err
	}
	m.sender = w.Process.Pid
	f, err := m.run(b.Context(), c.first, c.n, patience)
	if err != nil {
		return f, err
	}
	f.Joins = int(w.joins.Load())
	return f, w.stop()
}

func (b *bed) broker(k kind) broker {
	switch k {
	case viaKafka:
		return b.kafka()
	case viaBrisk:
		return b.brisk()
	default:
		return b.nats()
	}
}

// rendered returns what the worker makes of a notification, so that all
// contestants send the same text.
func (b *bed) rendered(s *server) string {
	b.Helper()
	env, err := b.nats().fill(b.Context(), b.name("text"), 1)
	must(b, err)
	observer, err := dial(b.Context(), s.place, "observer", "observer")
	must(b, err)
	defer func() { _ = observer.conn.Close() }()
	w, err := startWorker(b.Context(), b.binary(), s.place, env)
	must(b, err)
	defer func() { must(b, w.stop()) }()
	must(b, observer.conn.SetReadDeadline(time.Now().Add(patience)))
	var got string
	for !strings.Contains(got, "</body>") {
		n, err := observer.conn.Read(observer.buf)
		must(b, err)
		got += string(observer.buf[:n])
	}
	got, _, _ = strings.Cut(got, "</body>")
	_, body, _ := strings.Cut(got, "<body>")
	return body
}

// TestNotificationIsAsLongAsClaimed keeps the figures comparable.
func TestNotificationIsAsLongAsClaimed(t *testing.T) {
	if n := len(notification("backlog12-1234")); n != 300 {
		t.Errorf("a notification has %d bytes", n)
	}
}
