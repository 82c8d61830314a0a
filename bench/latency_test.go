//go:build real && linux

package bench_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// How many messages are timed on each way into the room, after how many.
const (
	samples = 500
	warmUp  = 20
	// jvmWarmUp is how many single messages make Kafka as fast as it gets.
	jvmWarmUp = 3000
)

// latency is from the call that sends or publishes a single message until the
// observer has read it. All ways take turns in the same room.
func latency(b *bed) string {
	b.Helper()
	text := "From the call that sends or publishes until the observer has read it. Each message begins from rest. What the worker\n" +
		"adds includes the broker's part, which is how long a broker alone takes until a bare client has read the message; the\n" +
		"last column is without it.\n"
	b.timeBroker(b.kafka(), fewer(jvmWarmUp))
	for _, p := range products() {
		b.Run(p.name, func(t *testing.T) { // which cleans up after itself
			text += (&bed{t, b.common}).latencyOn(p)
		})
	}
	return text
}

func (b *bed) latencyOn(p product) string {
	b.Helper()
	took := b.timeSingle(b.serve(p, testbed.Options{}))
	took["JetStream alone"], took["Kafka alone"] = b.timeBroker(b.nats(), fewer(samples)), b.timeBroker(b.kafka(), fewer(samples))
	brokers := map[string]string{jetstreamed: "JetStream alone", kafkaed: "Kafka alone"}
	t := newTable(p.name, "p50 ms", "p99 ms", "p50 over bare", "p99 over bare", "p50 over bare and broker")
	var kept promises
	p50, p99 := quantile(took[bareInTurn], 0.5), quantile(took[bareInTurn], 0.99)
	for _, name := range []string{bareInTurn, sinkAlone, jetstreamed, kafkaed} {
		own50, own99 := quantile(took[name], 0.5), quantile(took[name], 0.99)
		beyond := ""
		if broker := took[brokers[name]]; broker != nil {
			ours := own50 - p50 - quantile(broker, 0.5)
			beyond = fmt.Sprintf("%.2f", ours)
			kept.atMost(1, "ms", p.name+", "+name+", p50 added beyond the broker's part", ours)
		}
		t.row(name, fmt.Sprintf("%.2f", own50), fmt.Sprintf("%.2f", own99), fmt.Sprintf("%.2f", own50-p50), fmt.Sprintf("%.2f", own99-p99), beyond)
		if name != bareInTurn {
			kept.atMost(1, "ms", p.name+", "+name+", p50 added", own50-p50)
			kept.atMost(5, "ms", p.name+", "+name+", p99 added", own99-p99)
		}
	}
	for _, name := range []string{"JetStream alone", "Kafka alone"} {
		t.row(name, fmt.Sprintf("%.2f", quantile(took[name], 0.5)), fmt.Sprintf("%.2f", quantile(took[name], 0.99)), "", "", "")
	}
	return "\n" + t.text + "\n" + kept.text
}

func (b *bed) timeSingle(s *server) map[string][]time.Duration {
	b.Helper()
	body := b.rendered(s)
	observer, err := dial(b.Context(), s.place, "observer", "observer")
	must(b, err)
	defer func() { _ = observer.conn.Close() }()
	must(b, observer.conn.SetReadDeadline(time.Now().Add(patience)))
	took := map[string][]time.Duration{}
	ways := b.ways(s, body)
	for i := range warmUp + fewer(samples) {
		for _, w := range ways {
			<-time.After(3 * time.Millisecond) // not in the wake of the last
			begin := time.Now()
			must(b, w.send(fmt.Sprintf("latency%d", i)))
			for back := 0; back == 0; {
				must(b, observer.prompt())
				back, err = observer.echoes()
				must(b, err)
			}
			if i >= warmUp {
				took[w.name] = append(took[w.name], time.Since(begin))
			}
		}
	}
	for _, list := range took {
		slices.Sort(list)
	}
	return took
}

// timeBroker times single messages from the publication until a bare client
// has read them.
func (b *bed) timeBroker(from broker, n int) []time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	_, err := from.fill(ctx, b.name("alone"), 0)
	must(b, err)
	receive, err := from.listen(ctx)
	must(b, err)
	var took []time.Duration
	for i := range warmUp + n {
		<-time.After(3 * time.Millisecond)
		begin := time.Now()
		must(b, from.publish(ctx, fmt.Sprintf("alone%d", i)))
		must(b, receive())
		if i >= warmUp {
			took = append(took, time.Since(begin))
		}
	}
	slices.Sort(took)
	return took
}

// way is how a single message gets into the room.
type way struct {
	name string
	send func(id string) error
}

// ways opens all ways, until the end of the test.
func (b *bed) ways(s *server, body string) []way {
	b.Helper()
	ctx := b.Context()
	plain, err := dial(ctx, s.place, "notifier", "bare")
	must(b, err)
	b.Cleanup(func() { _ = plain.conn.Close() })
	var reading sync.WaitGroup
	reading.Go(func() {
		for err := error(nil); err == nil; {
			_, err = plain.echoes()
		}
	})
	b.Cleanup(reading.Wait)
	b.Cleanup(func() { _ = plain.conn.Close() })
	room := b.room(s.place)
	return []way{
		{bareInTurn, func(id string) error {
			_, err := plain.conn.Write(s.stanzas(1, id, body).text)
			return err
		}},
		{sinkAlone, func(id string) error {
			return room.Submit(ctx, sink.Message{Identity: id, Body: body, Done: func(sink.Result) {}})
		}},
		{jetstreamed, b.idle(s, b.nats(), "nats")},
		{kafkaed, b.idle(s, b.kafka(), "kafka")},
	}
}

// room joins with the sink, until the end of the test.
func (b *bed) room(p place) *sink.Room {
	b.Helper()
	p.Nick = "sink"
	room, err := openRoom(p, window)
	must(b, err)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) })
	b.Cleanup(func() { stop(); running.Wait() })
	must(b, room.Joined(b.Context()))
	return room
}

// idle starts a worker with nothing to do yet, and returns how to publish to
// it.
func (b *bed) idle(s *server, from broker, nick string) func(id string) error {
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
