package nats_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
)

const (
	benchBatch = 256
	// benchRound is how many messages one contestant reads before the next
	// one has its turn: they share a noisy machine.
	benchRound = 20 * benchBatch
)

// BenchmarkReceive compares the source with the client library's own Fetch on
// the same server and stream, bare and with the decoding that the source does.
// They take turns, each with a durable of its own.
func BenchmarkReceive(b *testing.B) {
	s := startServer(b)
	s.createStream(b)
	for _, name := range []string{durable, "bare", "decoding"} {
		s.createConsumer(b, jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 10_000, MaxDeliver: -1})
	}
	src := s.use(b, s.config())
	runs := []func(int){
		func(n int) { drain(b, src, n) },
		func(n int) { fetch(b, s, "bare", n, func([]byte) {}) },
		func(n int) {
			fetch(b, s, "decoding", n, func(body []byte) { _, _ = envelope.Decode(envelope.Raw{Body: body}) })
		},
	}
	took := make([]time.Duration, len(runs))
	total := 0
	for b.Loop() {
		fill(b, s, benchRound)
		for i := range runs {
			turn := (i + total/benchRound) % len(runs)
			start := time.Now()
			runs[turn](benchRound)
			took[turn] += time.Since(start)
		}
		total += benchRound
	}
	b.ReportMetric(float64(total)/took[0].Seconds(), "msg/s")
	b.ReportMetric(float64(total)/took[1].Seconds(), "bare-msg/s")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "of-bare")
	b.ReportMetric(took[2].Seconds()/took[0].Seconds(), "of-bare-decoding")
}

// fill publishes n notifications of about 300 bytes.
func fill(b *testing.B, s *broker, n int) {
	b.Helper()
	body := fmt.Appendf(nil, `{"id":"1","subject":"s","message":"%s"}`, bytes.Repeat([]byte("x"), 260))
	for range n {
		_, err := s.js.PublishAsync("notify.bench", body, jetstream.WithStallWait(time.Minute))
		must(b, err)
	}
	select {
	case <-s.js.PublishAsyncComplete():
	case <-time.After(time.Minute):
		b.Fatal("publishing takes too long")
	}
}

// drain receives and acknowledges n messages.
func drain(b *testing.B, src *nats.Source, n int) {
	b.Helper()
	for n > 0 {
		batch, err := src.Receive(b.Context(), min(n, benchBatch))
		must(b, err)
		ack(b, batch...)
		n -= len(batch)
	}
}

// fetch is what a program would write without the source.
func fetch(b *testing.B, s *broker, name string, n int, use func([]byte)) {
	b.Helper()
	consumer, err := s.js.Consumer(b.Context(), stream, name)
	must(b, err)
	for n > 0 {
		batch, err := consumer.Fetch(min(n, benchBatch))
		must(b, err)
		for m := range batch.Messages() {
			use(m.Data())
			must(b, m.Ack())
			n--
		}
		must(b, batch.Error())
	}
}
