//go:build real && linux

package bench_test

import (
	"fmt"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// figure is what one contestant did in one run.
type figure struct {
	rate float64 // notifications per second
	cpu  float64 // µs per notification, of its process
	join float64 // ms from the start of the process until it was in the room
}

// round is what each contestant did in one round.
type round map[string]figure

// of is the median of what get says of all rounds.
func of(rounds []round, get func(round) float64) float64 {
	all := make([]float64, len(rounds))
	for i, r := range rounds {
		all[i] = get(r)
	}
	return middle(all)
}

// throughput is how fast a backlog gets into a room, and what that costs.
func throughput(b *bed) string {
	b.Helper()
	text := fmt.Sprintf(`How fast a backlog gets into a room that keeps %d messages. The ceiling is a bare sender: it writes stanzas that are
ready, with as many in flight as the worker has (%d), reads the XML of what the room shows with encoding/xml, knows its own messages by
their ids, and does nothing else. A bare consumer
receives from JetStream and acknowledges, and does nothing else. All share two cores with the brokers, the server and the observer if
there are no more.
`, history, inFlight)
	var kept promises
	for _, p := range products() {
		s := b.serve(p, testbed.Options{})
		rounds := b.race(s, fewer(2000))
		must(b, s.Kill())
		cpu := func(name string) float64 { return of(rounds, func(r round) float64 { return r[name].cpu }) }
		rate := func(name string) float64 { return of(rounds, func(r round) float64 { return r[name].rate }) }
		t := newTable(p.name, "per second", "÷ bare sender", "CPU µs each", "÷ bare sender and consumer", "start to joined ms")
		t.row(bareSender, digits(0, rate(bareSender)), "", digits(1, cpu(bareSender)), "", "")
		t.row(bareConsumer, "", "", digits(1, cpu(bareConsumer)), "", "")
		for _, w := range b.ways {
			share := of(rounds, func(r round) float64 { return r[w.name].rate / r[bareSender].rate })
			cost := of(rounds, func(r round) float64 { return r[w.name].cpu / (r[bareSender].cpu + r[bareConsumer].cpu) })
			joined := of(rounds, func(r round) float64 { return r[w.name].join })
			who := "worker from " + w.name
			t.row(who, digits(0, rate(w.name)), digits(2, share), digits(1, cpu(w.name)), digits(1, cost), digits(0, joined))
			kept.add(share >= 0.9, "%s, %s ÷ bare sender: %.2f, promised at least 0.90", p.name, who, share)
			kept.add(cost <= 2, "%s, %s, CPU of bare sender and bare consumer: %.1f times, promised at most 2", p.name, who, cost)
			kept.add(joined <= 200, "%s, %s, start to joined: %.0f ms, promised at most 200", p.name, who, joined)
		}
		text += "\n" + t.text
	}
	return text + "\n" + kept.text
}

const bareSender, bareConsumer = "bare sender", "bare consumer of JetStream"

// race has all take turns with n messages each; who begins changes.
func (b *bed) race(s *testbed.XMPP, n int) []round {
	b.Helper()
	body := rendered(b)
	turns := []func(round){
		func(r round) { r[bareSender] = b.send(s, job{Server: s, Body: body, N: n}) },
		func(r round) { r[bareConsumer] = figure{cpu: b.bare(job{Env: b.fill(b.ways[0], n), N: n})()} },
	}
	for _, w := range b.ways {
		turns = append(turns, func(r round) { r[w.name] = b.work(s, b.fill(w, n), n) })
	}
	all := make([]round, b.rounds)
	for i := range all {
		all[i] = round{}
		for j := range turns {
			turns[(i+j)%len(turns)](all[i])
		}
		b.Logf("%v", all[i])
	}
	return all
}

// send is one run of the bare sender.
func (b *bed) send(s *testbed.XMPP, j job) (f figure) {
	b.Helper()
	room := b.observe(s)
	defer room.close()
	cpu := b.bare(j)
	f.rate = b.pace(room, j.N, func() {})
	f.cpu = cpu()
	return f
}

// work is one run of the worker.
func (b *bed) work(s *testbed.XMPP, env map[string]string, n int) (f figure) {
	b.Helper()
	room := b.observe(s)
	defer room.close()
	begin := time.Now()
	w := b.startWorker(s, env)
	defer b.stop(w)
	f.join = 1000 * time.Since(begin).Seconds()
	var before time.Duration
	f.rate = b.pace(room, n, func() { before = cpu(w.Pid()) })
	f.cpu = float64((cpu(w.Pid()) - before).Microseconds()) / float64(n-n/5)
	return f
}

// pace is how many of n messages the room shows in a second. The first fifth of them
// is the run-up: what a server lets through before its limit, and connecting.
func (b *bed) pace(room *client, n int, ready func()) float64 {
	b.Helper()
	room.await(b, n/5)
	ready()
	begin := time.Now()
	room.await(b, n-n/5)
	return float64(n-n/5) / time.Since(begin).Seconds()
}
