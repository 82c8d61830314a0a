//go:build real && linux

package bench_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// figure is what one contestant did in one run.
type figure struct {
	rate float64 // notifications per second
	cpu  float64 // µs per notification, of its process
	rss  float64 // MB, the highest
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

// way is one way from a broker into the room.
type way struct {
	name string
	from func() broker
}

func (b *bed) ways() []way { return []way{{"JetStream", b.nats}, {"Kafka", b.kafka}} }

// throughput is how fast a backlog gets into a room, and what that costs.
func throughput(b *bed) string {
	b.Helper()
	text := fmt.Sprintf(`How fast a backlog gets into a room that keeps %d messages. The ceiling is a bare sender: it writes stanzas that are
ready, with as many in flight as the worker has (%d), and does nothing else. A bare consumer receives and acknowledges, and does
nothing else. All share two cores with the brokers, the server and the observer if there are no more.
`, history, inFlight)
	var kept promises
	for _, p := range products() {
		s := b.serve(p, testbed.Options{})
		rounds := b.race(s, fewer(2000))
		must(b, s.Kill())
		t := newTable(p.name, "per second", "÷ bare sender", "CPU µs each", "÷ bare sender and consumer", "peak memory MB", "start to joined ms")
		t.row(bareSender, digits(0, of(rounds, rate(bareSender))), "", digits(1, of(rounds, used(bareSender))), "", "", "")
		for _, w := range b.ways() {
			share := of(rounds, func(r round) float64 { return r[w.name].rate / r[bareSender].rate })
			cost := of(rounds, func(r round) float64 { return r[w.name].cpu / (r[bareSender].cpu + r[consumerOf(w)].cpu) })
			joined := of(rounds, func(r round) float64 { return r[w.name].join })
			memory := of(rounds, func(r round) float64 { return r[w.name].rss })
			t.row(consumerOf(w), "", "", digits(1, of(rounds, used(consumerOf(w)))), "", "", "")
			t.row("worker from "+w.name, digits(0, of(rounds, rate(w.name))), digits(2, share), digits(1, of(rounds, used(w.name))), digits(1, cost), digits(0, memory), digits(0, joined))
			kept.atLeast(0.9, p.name+", worker from "+w.name+" ÷ bare sender", share)
			kept.atMost(2, "times", p.name+", worker from "+w.name+", CPU of bare sender and bare consumer", cost)
			kept.atMost(200, "ms", p.name+", worker from "+w.name+", start to joined", joined)
		}
		text += "\n" + t.text
	}
	return text + "\n" + kept.text
}

const bareSender = "bare sender"

func rate(name string) func(round) float64 { return func(r round) float64 { return r[name].rate } }
func used(name string) func(round) float64 { return func(r round) float64 { return r[name].cpu } }

func consumerOf(w way) string { return "bare consumer of " + w.name }

// race has all take turns with n messages each; who begins changes.
func (b *bed) race(s *testbed.XMPP, n int) []round {
	b.Helper()
	body := b.rendered(s)
	turns := []func(round){func(r round) { r[bareSender] = b.send(s, body, n) }}
	for _, w := range b.ways() {
		turns = append(turns, func(r round) {
			env := b.fill(w, n)
			r[consumerOf(w)] = figure{cpu: b.bare(job{Env: env, N: n})()}
			r[w.name] = b.work(s, env, n)
		})
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
func (b *bed) send(s *testbed.XMPP, body string, n int) (f figure) {
	b.Helper()
	room := b.observe(s)
	defer room.close()
	cpu := b.bare(job{Server: s, Body: body, N: n})
	f.rate = b.pace(room, n, func() {})
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
	f.rss = resident(w.Pid(), "VmHWM")
	return f
}

// pace is how many of n messages the room shows in a second. The first fifth of them
// is the run-up: what a server lets through before its limit, and connecting.
func (b *bed) pace(room *client, n int, ready func()) float64 {
	b.Helper()
	shown := room.await(b, 0, n/5)
	ready()
	begin := time.Now()
	return float64(room.await(b, shown, n)-shown) / time.Since(begin).Seconds()
}

// rendered returns what the worker makes of a notification, so that all
// contestants send the same text.
func (b *bed) rendered(s *testbed.XMPP) string {
	b.Helper()
	room := b.observe(s)
	defer room.close()
	defer b.stop(b.startWorker(s, b.fill(b.ways()[0], 1)))
	got, err := room.until(bodyEnd)
	must(b, err)
	head, _, _ := strings.Cut(got, bodyEnd)
	_, body, _ := strings.Cut(head, "<body>")
	return body
}
