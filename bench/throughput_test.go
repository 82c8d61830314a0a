//go:build real && linux

package bench_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// turn is that of a contestant, in every round.
type turn struct {
	name, bridge string // bridge is the bare one that has as much to do, if any
	run          func() figure
}

// figure is what a contestant did in its turn.
type figure struct {
	rate float64            // notifications per second
	cpu  map[string]float64 // µs per notification, of each process
	join float64            // ms from the start of the process until it was in the room
}

// Whose CPU time is measured.
const itself, server, broker, observer = "itself", "server", "broker", "observer"

const bareSender, bareConsumer = "bare sender", "bare consumer of JetStream"

// throughput is how fast a backlog gets into a room, and what that costs.
func throughput(b *bed) string {
	text := fmt.Sprintf(`How fast a backlog gets into a room that keeps %d messages. A bare sender writes stanzas that are ready, with as many in
flight as the worker has (%d), reads the XML of what the room shows with encoding/xml, knows its own messages by their ids, and does
nothing else. A bare consumer receives from JetStream and acknowledges. A bare bridge does both in one process: it sends a stanza that is
ready for each notification, and acknowledges that when the room has shown it. To Kafka it commits %d at a time.

The ceiling: where all cores are busy, the pace is what they have (1,000,000 µs a second each) ÷ the CPU time that all need for a
notification. The bare sender needs no broker. So nothing that reads from one can reach its pace there, not even the bare bridge. Where
the server is busy on one core and the other has time, as with Prosody, reading from the broker costs no pace.
`, history, inFlight, commitEvery)
	var kept promises
	for i, p := range products() {
		s := b.serve(p, testbed.Options{})
		if i == 0 {
			b.work(s, b.ways[1], fewer(30_000)) // Java compiles what runs often
		}
		turns := b.turns(s, fewer(4000))
		rounds := b.race(turns)
		must(b, s.Kill())
		t := newTable(p.name, "per second", "÷ bare sender", "÷ bare bridge", "start to joined ms", "CPU µs each: itself", server, broker, observer, "itself ÷ bare sender and consumer")
		for _, c := range turns {
			t.row(c.row(p.name, rounds, &kept)...)
		}
		text += "\n" + t.text
	}
	return text + "\n" + kept.text
}

// row is what a contestant did in all rounds, and what was promised of that.
func (c turn) row(product string, rounds []round, kept *promises) []string {
	middle := func(get func(of round, its figure) float64) float64 {
		var all []float64
		for _, r := range rounds {
			all = append(all, get(r, r[c.name]))
		}
		return middle(all)
	}
	bySender := middle(func(of round, its figure) float64 { return its.rate / of[bareSender].rate })
	byBridge := middle(func(of round, its figure) float64 { return its.rate / of[c.bridge].rate })
	joined := middle(func(_ round, its figure) float64 { return its.join })
	cost := middle(func(of round, its figure) float64 {
		return its.cpu[itself] / (of[bareSender].cpu[itself] + of[bareConsumer].cpu[itself])
	})
	cells := []string{c.name, cell(0, middle(func(_ round, its figure) float64 { return its.rate })), cell(2, bySender), cell(2, byBridge), cell(0, joined)}
	for _, who := range []string{itself, server, broker, observer} {
		cells = append(cells, cell(1, middle(func(_ round, its figure) float64 { return its.cpu[who] })))
	}
	if name := product + ", " + c.name; joined > 0 { // it is a worker
		if name == "Prosody, worker from JetStream" {
			kept.least(0.9, bySender, "%s ÷ bare sender", name)
		}
		kept.least(0.9, byBridge, "%s ÷ bare bridge", name)
		kept.most(2, cost, "%s, CPU ÷ bare sender and bare consumer", name)
		kept.most(200, joined, "%s, start to joined, in ms", name)
	}
	return append(cells, cell(1, cost))
}

// cell is a number in a table, if there is one.
func cell(n int, x float64) string {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return ""
	}
	return digits(n, x)
}

// turns are those of all, with n messages each.
func (b *bed) turns(s *testbed.XMPP, n int) []turn {
	body := rendered(b)
	list := []turn{
		{bareSender, "", func() figure { return b.bare(s, way{}, job{Server: s, Body: body, N: n}) }},
		{bareConsumer, "", func() figure { return b.bare(s, b.ways[0], job{Env: b.fill(b.ways[0], n), N: n}) }},
	}
	for _, w := range b.ways {
		bridge := "bare bridge from " + w.name
		list = append(list,
			turn{bridge, bridge, func() figure { return b.bare(s, w, job{Server: s, Env: b.fill(w, n), Body: body, N: n}) }},
			turn{"worker from " + w.name, bridge, func() figure { return b.work(s, w, n) }})
	}
	return list
}

// round is what each contestant did in one round.
type round map[string]figure

// race has all take turns; who begins changes.
func (b *bed) race(turns []turn) []round {
	all := make([]round, b.rounds)
	for i := range all {
		all[i] = round{}
		for j := range turns {
			t := turns[(i+j)%len(turns)]
			all[i][t.name] = t.run()
		}
		b.Logf("%v", all[i])
	}
	return all
}

// work is a turn of the worker.
func (b *bed) work(s *testbed.XMPP, from way, n int) figure {
	env := b.fill(from, n)
	room := b.observe(s)
	defer room.close()
	begin := time.Now()
	w := b.startWorker(s, env)
	defer b.stop(w)
	join := 1000 * time.Since(begin).Seconds()
	f := pace(func(n int) { room.await(b, n) }, n, map[string]int{itself: w.Pid(), server: s.PID(), broker: from.pid, observer: os.Getpid()})
	f.join = join
	return f
}

// bare is a turn of one that does a job: this program, in a process of its own, which
// ends when we have seen what it has used.
func (b *bed) bare(s *testbed.XMPP, from way, j job) figure {
	text, err := json.Marshal(j)
	must(b, err)
	room := b.observe(s)
	defer room.close()
	cmd := exec.CommandContext(b.Context(), os.Args[0]) //nolint:gosec // it is us
	cmd.Env, cmd.Stderr = append(os.Environ(), asChild+"="+string(text)), os.Stderr
	in, err := cmd.StdinPipe()
	must(b, err)
	out, err := cmd.StdoutPipe()
	must(b, err)
	must(b, cmd.Start())
	until := func(n int) { room.await(b, n) }
	if j.Server == nil {
		until = func(int) { _, err := out.Read(make([]byte, 1)); must(b, err) } // it tells us
	}
	f := pace(until, j.N, map[string]int{itself: cmd.Process.Pid, server: s.PID(), broker: from.pid, observer: os.Getpid()})
	if j.Server == nil {
		f.rate = 0 // it is no pace of a room
	}
	must(b, in.Close())
	must(b, cmd.Wait())
	return f
}

// pace is how fast n messages get through: until waits for so many more. The first fifth
// of them is the run-up: what a server lets through before its limit, and connecting.
func pace(until func(n int), n int, pids map[string]int) figure {
	until(n / 5)
	begin, f := time.Now(), figure{cpu: map[string]float64{}}
	for who, pid := range pids {
		f.cpu[who] = -cpu(pid)
	}
	until(n - n/5)
	f.rate = float64(n-n/5) / time.Since(begin).Seconds()
	for who, pid := range pids {
		f.cpu[who] = (f.cpu[who] + cpu(pid)) / float64(n-n/5)
	}
	return f
}
