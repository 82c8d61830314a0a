//go:build unix

package nats_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"syscall"
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

// BenchmarkCeiling drains a backlog of notifications of 300 bytes with the
// source, and with as little around the client library as keeps the same
// discipline: fetch, decode, acknowledge, and be certain that the broker has
// the acknowledgements. Each round ends with that certainty. They take turns,
// each with a durable of its own, because the machine is noisy; the server may
// be a process of its own (-tags real).
func BenchmarkCeiling(b *testing.B) {
	s := startServer(b)
	s.createStream(b)
	for _, name := range []string{durable, "fetch", "careless"} {
		s.createConsumer(b, jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 10_000, MaxDeliver: -1})
	}
	src := s.use(b, s.config())
	decode := func(m jetstream.Msg) { _, _ = envelope.Decode(envelope.Raw{Body: m.Data()}) }
	contestants := []func(){
		func() { drain(b, src, benchRound) },
		func() { fetch(b, s, "fetch", decode, s.conn.Flush) },
		func() { fetch(b, s, "careless", func(jetstream.Msg) {}, func() error { return nil }) },
	}
	took, cpu := make([][]float64, len(contestants)), make([][]float64, len(contestants))
	for turn := 0; b.Loop(); turn++ {
		fill(b, s, benchRound)
		for i := range contestants {
			who := (i + turn) % len(contestants)
			start, used := time.Now(), cpuTime(b)
			contestants[who]()
			took[who] = append(took[who], time.Since(start).Seconds())
			cpu[who] = append(cpu[who], (cpuTime(b) - used).Seconds())
		}
	}
	b.ReportMetric(benchRound/median(took[0]), "source-msg/s")
	b.ReportMetric(benchRound/median(took[1]), "fetch-msg/s")
	b.ReportMetric(benchRound/median(took[2]), "careless-msg/s")
	b.ReportMetric(medianRatio(took[1], took[0]), "ratio")
	if realServers { // else it is the server's, too
		b.ReportMetric(medianRatio(cpu[1], cpu[0]), "cpu-ratio")
		b.ReportMetric(1e6*median(cpu[0])/benchRound, "cpu-us/msg")
	}
	b.ReportMetric(medianRatio(took[2], took[0]), "of-careless")
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// medianRatio compares round by round.
func medianRatio(over, under []float64) float64 {
	ratios := make([]float64, len(over))
	for i := range over {
		ratios[i] = over[i] / under[i]
	}
	return median(ratios)
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
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

// drain receives and acknowledges n messages, and waits until the broker has
// all acknowledgements.
func drain(b *testing.B, src *nats.Source, n int) {
	b.Helper()
	var durable sync.WaitGroup
	durable.Add(n)
	for n > 0 {
		batch, err := src.Receive(b.Context(), min(n, benchBatch))
		must(b, err)
		for _, d := range batch {
			must(b, d.Ack(durable.Done))
		}
		n -= len(batch)
	}
	durable.Wait()
}

// fetch is what a program would write without the source.
func fetch(b *testing.B, s *broker, name string, use func(jetstream.Msg), certain func() error) {
	b.Helper()
	consumer, err := s.js.Consumer(b.Context(), stream, name)
	must(b, err)
	for left := benchRound; left > 0; {
		batch, err := consumer.Fetch(min(left, benchBatch))
		must(b, err)
		for m := range batch.Messages() {
			use(m)
			must(b, m.Ack())
			left--
		}
		must(b, batch.Error())
		must(b, certain())
	}
}
