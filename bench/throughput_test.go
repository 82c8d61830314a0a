//go:build real && linux

package bench_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// The contestants.
const (
	bare        = "bare sender"
	jetstreamed = "worker from JetStream"
	kafkaed     = "worker from Kafka"
)

// figure is what one contestant did in one run.
type figure struct {
	rate float64 // notifications per second
	cpu  float64 // µs per notification, of its process
	rss  float64 // MB, the highest
	join float64 // how often the worker entered the room
}

// round is what each contestant did in one round.
type round map[string]figure

// throughput is how fast a backlog gets into a room.
func throughput(b *bed) string {
	b.Helper()
	text := fmt.Sprintf(`How fast a backlog gets into a room that keeps %d messages. The ceiling is a bare sender: it writes stanzas that are
ready, with as many in flight as the worker has (%d), and does nothing else.
`, history, inFlight)
	for _, p := range products() {
		s := b.serve(p, testbed.Options{})
		rounds := b.race(s, []string{bare, jetstreamed, kafkaed}, fewer(2000), b.rounds)
		must(b, s.Kill())
		t := newTable(p.name, "per second", "÷ bare sender", "CPU µs each", "peak memory MB")
		var kept promises
		for _, name := range []string{bare, jetstreamed, kafkaed} {
			share := median(rounds, func(r round) float64 { return r[name].rate / r[bare].rate })
			t.row(name, fmt.Sprintf("%.0f", of(rounds, name, rate)), fmt.Sprintf("%.2f", share), fmt.Sprintf("%.0f", of(rounds, name, used)), fmt.Sprintf("%.0f", of(rounds, name, peak)))
			if name != bare {
				kept.atLeast(0.95, p.name+", "+name+" ÷ bare sender", share)
				kept.atMost(5, "times", p.name+", "+name+", CPU of the bare sender", of(rounds, name, used)/of(rounds, bare, used))
			}
		}
		text += "\n" + t.text + "\n" + kept.text
	}
	return text
}

// limits measures on servers with the rate limits that Debian ships.
func limits(b *bed) string {
	b.Helper()
	t := newTable("per second", bare, jetstreamed, "÷ bare sender", "reconnects")
	var kept promises
	for _, p := range products() {
		s := b.serve(p, testbed.Options{Throttle: true})
		rounds := b.race(s, []string{bare, jetstreamed}, 130, max(1, b.rounds*2/5))
		must(b, s.Kill())
		joins := median(rounds, func(r round) float64 { return r[jetstreamed].join })
		share := median(rounds, func(r round) float64 { return r[jetstreamed].rate / r[bare].rate })
		t.row(p.name, fmt.Sprintf("%.1f", of(rounds, bare, rate)), fmt.Sprintf("%.1f", of(rounds, jetstreamed, rate)), fmt.Sprintf("%.2f", share), fmt.Sprint(joins-1))
		kept.atLeast(0.9, p.name+", worker ÷ bare sender", share)
		kept.atMost(0, "reconnects", p.name, joins-1)
	}
	return "Prosody takes 10 kB/s from a connection, ejabberd 3 kB/s after the first 20 kB. Both are behind by seconds as long as\n" +
		"there is a backlog; nobody must take that for a dead connection. The ceiling is the bare sender.\n\n" + t.text + "\n" + kept.text
}

// race has all take turns with n messages each; who begins changes.
func (b *bed) race(s *server, names []string, n, rounds int) []round {
	b.Helper()
	body := b.rendered(s)
	all := make([]round, rounds)
	for i := range all {
		all[i] = round{}
		for j := range names {
			name := names[(i+j)%len(names)]
			f, err := b.one(s, name, body, n)
			if err != nil {
				b.Fatalf("%s: %v", name, err)
			}
			b.Logf("%-22s %6.1f/s, CPU %5.1f µs, %.0f MB", name, f.rate, f.cpu, f.rss)
			all[i][name] = f
		}
	}
	return all
}

// one is one run of one contestant. The first fifth of the messages is its
// run-up: what a server lets through before its limit, and connecting.
func (b *bed) one(s *server, name, body string, n int) (f figure, err error) {
	room, err := dial(b.Context(), s.place, "observer", "observer")
	if err != nil {
		return f, err
	}
	defer func() { _ = room.conn.Close() }()
	if err := room.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return f, err
	}
	w, run, err := b.start(s, name, body, n)
	if err != nil {
		return f, err
	}
	shown, err := room.await(0, n/5)
	if err != nil {
		return f, err
	}
	begin, before := time.Now(), cpu(run.pid)
	end, err := room.await(shown, n)
	if err != nil {
		return f, err
	}
	count := float64(end - shown)
	f.rate, f.cpu = count/time.Since(begin).Seconds(), float64((cpu(run.pid)-before).Nanoseconds())/1e3/count
	if f.rss = resident(run.pid, "VmHWM"); w != nil {
		f.join = float64(w.joins.Load())
	}
	return f, run.stop()
}

// start starts a contestant with n messages to post.
func (b *bed) start(s *server, name, body string, n int) (*worker, sender, error) {
	if name == bare {
		run, err := b.bareSender(job{Place: s.place, Run: b.name("run"), Body: body, N: n})
		return nil, run, err
	}
	from := broker(b.nats())
	if name == kafkaed {
		from = b.kafka()
	}
	env, err := from.fill(b.Context(), b.name("backlog"), n)
	if err != nil {
		return nil, sender{}, fmt.Errorf("publish: %w", err)
	}
	w, err := startWorker(b.Context(), b.binary(), s.place, env)
	if err != nil {
		return nil, sender{}, err
	}
	return w, sender{w.Process.Pid, w.stop}, nil
}

// rendered returns what the worker makes of a notification, so that all
// contestants send the same text.
func (b *bed) rendered(s *server) string {
	b.Helper()
	room, err := dial(b.Context(), s.place, "observer", "observer")
	must(b, err)
	defer func() { _ = room.conn.Close() }()
	must(b, room.conn.SetReadDeadline(time.Now().Add(patience)))
	_, run, err := b.start(s, jetstreamed, "", 1)
	must(b, err)
	defer func() { must(b, run.stop()) }()
	var got strings.Builder
	for !strings.Contains(got.String(), "</body>") {
		n, err := room.conn.Read(room.buf)
		must(b, err)
		got.Write(room.buf[:n])
	}
	head, _, _ := strings.Cut(got.String(), "</body>")
	_, body, _ := strings.Cut(head, "<body>")
	return body
}
