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
)

// How many messages are timed on each way into the room, after how many.
const (
	samples = 500
	warmUp  = 20
)

// latencies times single messages, from the call that sends or publishes
// until the observer reads it. All ways take turns in the same room.
func (b *bed) latencies(s *server) (took map[string][]time.Duration) {
	b.Helper()
	b.Run("latency", func(t *testing.T) {
		part := *b // with its own cleanup
		part.T = t
		took = part.timeSingle(s)
		b.count = part.count
	})
	return took
}

func (b *bed) timeSingle(s *server) map[string][]time.Duration {
	b.Helper()
	observer, err := dial(b.Context(), s.place, "observer", "observer")
	must(b, err)
	defer func() { _ = observer.conn.Close() }()
	must(b, observer.conn.SetReadDeadline(time.Now().Add(patience)))
	took := map[string][]time.Duration{}
	ways := b.ways(s)
	n := samples
	if testing.Short() {
		n = 20
	}
	for i := range warmUp + n {
		for _, w := range ways {
			// Each message begins from rest, not in the wake of the last.
			<-time.After(3 * time.Millisecond)
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

// way is how a single message gets into the room.
type way struct {
	name string
	send func(id string) error
}

// ways opens all ways, until the end of the test.
func (b *bed) ways(s *server) []way {
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
		{"bare", func(id string) error {
			_, err := plain.conn.Write(s.stanzas(1, id, b.body).text)
			return err
		}},
		{"sink", func(id string) error {
			return room.Submit(ctx, sink.Message{Identity: id, Body: b.body, Done: func(sink.Result) {}})
		}},
		{"worker from JetStream", b.idle(s, b.nats, "nats")},
		{"worker from Kafka", b.idle(s, b.kafka, "kafka")},
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
	w, err := startWorker(b.Context(), b.binary, s.place, env)
	must(b, err)
	b.Cleanup(func() { _ = w.stop() })
	<-w.joined
	return func(id string) error { return from.publish(b.Context(), id) }
}

// startups times the way from the start of the process to its seat in the
// room.
func (b *bed) startups(s *server) []time.Duration {
	b.Helper()
	env, err := b.nats.fill(b.Context(), b.name("startup"), 0)
	must(b, err)
	var took []time.Duration
	for range 9 {
		begin := time.Now()
		w, err := startWorker(b.Context(), b.binary, s.place, env)
		must(b, err)
		<-w.joined
		took = append(took, time.Since(begin))
		must(b, w.stop())
	}
	slices.Sort(took)
	return took
}
