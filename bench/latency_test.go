//go:build real && linux

package bench_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// How many messages are timed on each way into the room, after how many.
const (
	samples = 300
	warmUp  = 20
)

// latency is from the call that sends or publishes a single message until the
// observer has read it. All ways take turns in the same room.
func latency(b *bed) string {
	b.Helper()
	text := `From the call that sends or publishes until the observer has read it, each message from rest. The floor is the room alone
(a bare client that posts) and the broker alone (from the publication until a bare client has read it). What the worker adds
is without both.
`
	for _, p := range products() {
		b.Run(p.name, func(t *testing.T) { // which cleans up after itself
			text += (&bed{t, b.common}).latencyOn(p)
		})
	}
	return text
}

func (b *bed) latencyOn(p product) string {
	b.Helper()
	s := b.serve(p, testbed.Options{})
	took := b.timeRoom(s)
	room := took[bare]
	t := newTable(p.name, "p50 ms", "p99 ms")
	t.row("room alone", millis(room, 0.5), millis(room, 0.99))
	var kept promises
	for _, way := range []struct {
		name, broker string
		from         broker
	}{{jetstreamed, "JetStream alone", b.nats()}, {kafkaed, "Kafka alone", b.kafka()}} {
		alone, whole := b.timeBroker(way.from), took[way.name]
		t.row(way.broker, millis(alone, 0.5), millis(alone, 0.99))
		t.row(way.name, millis(whole, 0.5), millis(whole, 0.99))
		for _, q := range []struct{ quantile, limit float64 }{{0.5, 1}, {0.99, 5}} {
			added := quantile(whole, q.quantile) - quantile(room, q.quantile) - quantile(alone, q.quantile)
			kept.atMost(q.limit, "ms", fmt.Sprintf("%s, %s, p%.0f added", p.name, way.name, 100*q.quantile), added)
		}
	}
	return "\n" + t.text + "\n" + kept.text
}

// timeRoom times single messages on all ways into the room.
func (b *bed) timeRoom(s *server) map[string][]time.Duration {
	b.Helper()
	body := b.rendered(s)
	observer, err := dial(b.Context(), s.place, "observer", "observer")
	must(b, err)
	defer func() { _ = observer.conn.Close() }()
	must(b, observer.conn.SetReadDeadline(time.Now().Add(patience)))
	ways := map[string]func(id string) error{
		bare:        b.bareWay(s, body),
		jetstreamed: b.workerWay(s, b.nats(), "nats"),
		kafkaed:     b.workerWay(s, b.kafka(), "kafka"),
	}
	took := map[string][]time.Duration{}
	for i := range warmUp + fewer(samples) {
		for _, name := range []string{bare, jetstreamed, kafkaed} {
			took[name] = append(took[name], timed(b, func() error {
				if err := ways[name](fmt.Sprintf("latency%d", i)); err != nil {
					return err
				}
				if err := observer.prompt(); err != nil {
					return err
				}
				_, err := observer.await(0, 1)
				return err
			}))
		}
	}
	return took
}

// timeBroker times single messages from the publication until a bare client has
// read them.
func (b *bed) timeBroker(from broker) []time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	_, err := from.fill(ctx, b.name("alone"), 0)
	must(b, err)
	receive, err := from.listen(ctx)
	must(b, err)
	var took []time.Duration
	for i := range warmUp + fewer(samples) {
		took = append(took, timed(b, func() error {
			if err := from.publish(ctx, fmt.Sprintf("alone%d", i)); err != nil {
				return err
			}
			return receive()
		}))
	}
	return took
}

// timed times an action that begins from rest.
func timed(b *bed, action func() error) time.Duration {
	b.Helper()
	<-time.After(3 * time.Millisecond) // not in the wake of the last
	begin := time.Now()
	must(b, action())
	return time.Since(begin)
}

// bareWay posts with a bare client, until the end of the test.
func (b *bed) bareWay(s *server, body string) func(id string) error {
	b.Helper()
	c, err := dial(b.Context(), s.place, "notifier", "bare")
	must(b, err)
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		for err := error(nil); err == nil; {
			_, err = c.echoes()
		}
	}()
	b.Cleanup(func() { _ = c.conn.Close(); <-reading })
	return func(id string) error {
		_, err := c.conn.Write(s.stanzas(1, id, body).text)
		return err
	}
}

// workerWay starts a worker with nothing to do yet, and returns how to publish to
// it.
func (b *bed) workerWay(s *server, from broker, nick string) func(id string) error {
	b.Helper()
	env, err := from.fill(b.Context(), b.name("idle"), 0)
	must(b, err)
	env["XMPP_NICK"] = nick
	w, err := startWorker(b.Context(), b.binary(), s.place, env)
	must(b, err)
	b.Cleanup(func() { _ = w.stop() })
	<-w.joined
	return func(id string) error { return from.publish(b.Context(), id) }
}

// quantile returns a quantile of what came after the warm-up, in milliseconds.
func quantile(took []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(took[warmUp:]))
	return 1000 * sorted[int(q*float64(len(sorted)-1))].Seconds()
}

func millis(took []time.Duration, q float64) string { return fmt.Sprintf("%.2f", quantile(took, q)) }
