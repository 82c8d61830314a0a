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
	b.Helper()
	var kept promises
	t := newTable("ms, p50 / p99", "room alone", "worker from JetStream", "worker from Kafka")
	for _, p := range products() {
		b.Run(p.name, func(t2 *testing.T) { // which cleans up after itself
			took := (&bed{t2, b.common}).timeRoom(p)
			cells := []string{p.name}
			for i := range took {
				cells = append(cells, digits(2, quantile(took[i], 0.5))+" / "+digits(2, quantile(took[i], 0.99)))
			}
			t.row(cells...)
			for _, q := range []struct{ quantile, limit float64 }{{0.5, 1}, {0.99, 5}} {
				added := quantile(took[1], q.quantile) - quantile(took[0], q.quantile)
				kept.atMost(q.limit, "ms", fmt.Sprintf("%s, from JetStream, p%.0f added", p.name, 100*q.quantile), added)
			}
		})
	}
	return `From the call that sends or publishes until the observer has read it, each message from rest. The floor is the room alone:
a bare client that posts. What a broker takes to store and to deliver is part of the rest.

` + t.text + "\n" + kept.text
}

// timeRoom times single messages on all ways into the room: bare, and by ways.
func (b *bed) timeRoom(p product) [][]time.Duration {
	b.Helper()
	s := b.serve(p, testbed.Options{})
	body := b.rendered(s)
	observer := b.observe(s)
	ways := []func() error{b.bareWay(s, body)}
	for _, w := range b.ways() {
		ways = append(ways, b.workerWay(s, w))
	}
	took := make([][]time.Duration, len(ways))
	for range warmUp + fewer(samples) {
		for j, post := range ways {
			<-time.After(3 * time.Millisecond) // not in the wake of the last
			begin := time.Now()
			must(b, post())
			observer.prompt(b)
			observer.await(b, 0, 1)
			took[j] = append(took[j], time.Since(begin))
		}
	}
	return took
}

// bareWay posts with a bare client, until the end of the test.
func (b *bed) bareWay(s *testbed.XMPP, body string) func() error {
	b.Helper()
	c, err := join(b.Context(), s, "notifier", "bare")
	must(b, err)
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		for err := error(nil); err == nil; {
			_, err = c.messages()
		}
	}()
	b.Cleanup(func() { c.close(); <-reading })
	return func() error {
		_, err := c.conn.Write([]byte(stanza(s, 0, body)))
		return err
	}
}

// workerWay starts a worker with nothing to do yet, and returns how to publish to
// it.
func (b *bed) workerWay(s *testbed.XMPP, w way) func() error {
	b.Helper()
	running := b.startWorker(s, b.fill(w, 0), map[string]string{"XMPP_NICK": w.name})
	b.Cleanup(func() { b.stop(running) })
	return func() error { return w.from().add(b.Context(), 1) }
}

// quantile returns a quantile of what came after the warm-up, in milliseconds.
func quantile(took []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(took[warmUp:]))
	return 1000 * sorted[int(q*float64(len(sorted)-1))].Seconds()
}
