package kafka_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
)

// BenchmarkThroughput compares receiving, decoding, acknowledging and
// committing with bare partition readers on the same log.
func BenchmarkThroughput(b *testing.B) {
	const n = 200_000
	c := withTopic(b)
	c.writer.BatchSize = 1000
	c.writer.BatchTimeout = 50 * time.Millisecond
	for i := 0; i < n; i += 10_000 {
		c.publish(b, i, 10_000)
	}
	var bare, ours time.Duration
	for b.Loop() {
		bare += c.readBare(b, n)
		ours += c.readSource(b, n)
	}
	rounds := float64(b.N)
	b.ReportMetric(n*rounds/bare.Seconds(), "bare-msg/s")
	b.ReportMetric(n*rounds/ours.Seconds(), "source-msg/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
}

func (c *cluster) readBare(b *testing.B, n int) time.Duration {
	messages := make(chan kafkago.Message, 256)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	start := time.Now()
	for p := range partitions {
		r := kafkago.NewReader(kafkago.ReaderConfig{
			Brokers: c.config.Brokers, Topic: topic, Partition: p, QueueCapacity: 64,
			MaxWait: 250 * time.Millisecond, ReadLagInterval: -1,
		})
		defer func() { _ = r.Close() }()
		go func() {
			for {
				m, err := r.FetchMessage(ctx)
				if err != nil {
					return
				}
				select {
				case messages <- m:
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	for range n {
		<-messages
	}
	return time.Since(start)
}

func (c *cluster) readSource(b *testing.B, n int) time.Duration {
	c.config.GroupID += "+" // a new group begins at the beginning
	s, err := kafka.Open(c.config, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ack(b, receive(b, s, 1)...) // joined
	start := time.Now()
	for left := n - 1; left > 0; {
		batch, err := s.Receive(b.Context(), min(left, 256))
		if err != nil {
			b.Fatal(err)
		}
		left -= len(batch)
		ack(b, batch...)
	}
	took := time.Since(start)
	c.settles(b, n)
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	return took
}
