//go:build real && linux

package bench_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// How many messages are timed on each way into the room, after how many.
const (
	samples = 300
	warmUp  = 50
)

// latency is from the call that sends or publishes a single message until the
// observer has read it. All ways take turns in the same room.
func latency(b *bed) string {
	var kept promises
	t := newTable("ms, p50 / p99", "room alone", "worker from JetStream", "worker from Kafka", "from JetStream, digests in storms")
	for _, p := range products() {
		b.Run(p.name, func(inside *testing.T) { // which cleans up after itself
			took := b.in(inside).timeRoom(p)
			cells := []string{p.name}
			for _, of := range took {
				cells = append(cells, digits(2, quantile(of, 0.5))+" / "+digits(2, quantile(of, 0.99)))
			}
			t.row(cells...)
			for _, q := range []struct{ quantile, limit float64 }{{0.5, 1}, {0.99, 5}} {
				added := quantile(took[1], q.quantile) - quantile(took[0], q.quantile)
				kept.most(q.limit, added, "%s, from JetStream, ms added to p%.0f", p.name, 100*q.quantile)
			}
			ratio := quantile(took[len(took)-1], 0.5) / quantile(took[1], 0.5)
			kept.most(1.2, ratio, "%s, p50 with digests in storms ÷ without", p.name)
		})
	}
	return "From the call that sends or publishes until the observer has read it, each message from rest. The floor is the room alone:\n" +
		"the observer posts by itself. What a broker takes to store and to deliver is part of the rest.\n\n" + t.text + "\n" + kept.text
}

// timeRoom times single messages on all ways into the room: bare, and by ways.
func (b *bed) timeRoom(p product) [][]time.Duration {
	s := b.serve(p, testbed.Options{})
	observer := b.observe(s)
	text := []byte(stanza(s, 0, rendered(b)))
	posts := []func() error{func() error { _, err := observer.conn.Write(text); return err }}
	for i, w := range append(slices.Clone(b.ways), b.ways[0]) {
		env := b.fill(w, 0)
		if i == len(b.ways) {
			env["DIGEST_AFTER"] = "100000/1m" // none of these is one too many
		}
		running := b.startWorker(s, env, map[string]string{"XMPP_NICK": fmt.Sprint(w.name, i)})
		b.Cleanup(func() { b.stop(running) })
		posts = append(posts, func() error { return w.add(b.Context(), env, 1) })
	}
	took := make([][]time.Duration, len(posts))
	for round := range warmUp + fewer(samples) {
		for turn := range posts {
			i := (round + turn) % len(posts)
			<-time.After(3 * time.Millisecond) // not in the wake of the last
			begin := time.Now()
			must(b, posts[i]())
			observer.prompt(b)
			observer.await(b, 1)
			took[i] = append(took[i], time.Since(begin))
		}
	}
	return took
}

// quantile returns a quantile of what came after the warm-up, in milliseconds.
func quantile(took []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(took[warmUp:]))
	return 1000 * sorted[int(q*float64(len(sorted)-1))].Seconds()
}
