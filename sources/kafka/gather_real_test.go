//go:build real

package kafka_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
)

// BenchmarkGather finds the best pause before a commit on a real Kafka. As in
// the worker, 20 notifications may be in doubt, from when they are sent until
// they are committed, and a room shows them in batches, a millisecond later.
func BenchmarkGather(b *testing.B) {
	const backlog, inDoubt = 8000, 20
	broker := realKafka(b)
	c := realCluster(b, broker.Addr)
	if err := c.createTopic(b.Context(), c.topic); err != nil {
		b.Fatal(err)
	}
	c.writer.BatchTimeout = 20 * time.Millisecond
	c.publish(b, 0, backlog)
	pauses := []time.Duration{0, 500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond}
	took := make([]time.Duration, len(pauses))
	for b.Loop() {
		for i, pause := range pauses {
			c.config.GroupID += "+"
			s, err := kafka.OpenGathering(c.config, slog.New(slog.DiscardHandler), pause)
			if err != nil {
				b.Fatal(err)
			}
			took[i] += carry(b, s, backlog, inDoubt)
			if err := s.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	for i, pause := range pauses {
		b.ReportMetric(float64(backlog*b.N)/took[i].Seconds(), fmt.Sprintf("msg/s(pause=%s)", pause))
	}
}

// carry does what the worker does, with a room that answers at once.
func carry(b *testing.B, s *kafka.Source, n, inDoubt int) time.Duration {
	b.Helper()
	doubt := make(chan struct{}, inDoubt)
	var start time.Time
	for left := n; left > 0; {
		doubt <- struct{}{}
		batch, err := s.Receive(b.Context(), min(left, 1+inDoubt-len(doubt)))
		if err != nil { // a group that is new to the broker may take a moment
			b.Logf("receive: %v", err)
			<-doubt
			continue
		}
		if left == n {
			start = time.Now()
		}
		left -= len(batch)
		for range batch[1:] {
			doubt <- struct{}{}
		}
		time.AfterFunc(time.Millisecond, func() {
			for _, d := range batch {
				if err := d.Ack(func() { <-doubt }); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range inDoubt {
		doubt <- struct{}{}
	}
	return time.Since(start)
}
