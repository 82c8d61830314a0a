package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
)

// backlog is what BenchmarkCeiling reads.
const backlog = 200_000

// BenchmarkCeiling drains a backlog of notifications of 300 bytes with the
// source, and with as little around the library as keeps the same discipline:
// a member of the group that decodes every notification, hands all of them to
// one consumer, and commits without pause what has been consumed. Both end
// with the last commit. The rounds alternate, because the machine is noisy.
func BenchmarkCeiling(b *testing.B) {
	c := withTopic(b)
	c.writer.BatchSize = 1000
	c.writer.BatchTimeout = 50 * time.Millisecond
	padding := strings.Repeat("x", 190)
	for i := 0; i < backlog; i += 10_000 {
		messages := make([]kafkago.Message, 10_000)
		for j := range messages {
			messages[j] = kafkago.Message{
				Key:   []byte(strconv.Itoa(j % 12)),
				Value: fmt.Appendf(nil, `{"id":"%08d","severity":"warning","source":"billing","subject":"disk is full","message":"%s"}`, i+j, padding),
			}
		}
		if err := c.writer.WriteMessages(b.Context(), messages...); err != nil {
			b.Fatal(err)
		}
	}
	var bare, ours time.Duration
	for b.Loop() {
		bare += c.drainBare(b)
		ours += c.drainSource(b)
	}
	rounds := float64(b.N)
	b.ReportMetric(backlog*rounds/bare.Seconds(), "bare-msg/s")
	b.ReportMetric(backlog*rounds/ours.Seconds(), "source-msg/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
}

// drainSource times from the first delivery to the last commit.
func (c *cluster) drainSource(b *testing.B) time.Duration {
	c.config.GroupID += "+" // a new group begins at the beginning
	s, err := kafka.Open(c.config, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	var durable sync.WaitGroup
	durable.Add(backlog)
	first := receive(b, s, 1)
	start := time.Now()
	for left := backlog; ; {
		for _, d := range first {
			if err := d.Ack(durable.Done); err != nil {
				b.Fatal(err)
			}
		}
		if left -= len(first); left == 0 {
			break
		}
		if first, err = s.Receive(b.Context(), min(left, 256)); err != nil {
			b.Fatal(err)
		}
	}
	durable.Wait()
	took := time.Since(start)
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	return took
}

// drainBare does the same with the library alone.
func (c *cluster) drainBare(b *testing.B) time.Duration {
	c.config.GroupID += "+"
	group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: c.config.GroupID, Brokers: c.config.Brokers, Topics: c.config.Topics, StartOffset: kafkago.FirstOffset,
	})
	if err != nil {
		b.Fatal(err)
	}
	gen, err := group.Next(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var working sync.WaitGroup
	consumed := make(chan kafkago.Message, 256)
	for _, a := range gen.Assignments[topic] {
		working.Go(func() { c.readBare(ctx, a, consumed) })
	}
	first := <-consumed
	start := time.Now()
	committer := &bareCommitter{gen: gen, dirty: make(chan struct{}, 1)}
	committer.note(first)
	working.Go(committer.run)
	for range backlog - 1 {
		committer.note(<-consumed)
	}
	close(committer.dirty)
	cancel()
	working.Wait()
	took := time.Since(start)
	if err := group.Close(); err != nil {
		b.Fatal(err)
	}
	return took
}

func (c *cluster) readBare(ctx context.Context, a kafkago.PartitionAssignment, consumed chan<- kafkago.Message) {
	r := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: c.config.Brokers, Topic: topic, Partition: a.ID, QueueCapacity: 64,
		MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 250 * time.Millisecond, ReadLagInterval: -1,
	})
	defer func() { go func() { _ = r.Close() }() }() // it waits for the fetch that is under way
	for {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			return
		}
		if _, err := envelope.Decode(envelope.Raw{Body: m.Value}); err != nil {
			return
		}
		select {
		case consumed <- m:
		case <-ctx.Done():
			return
		}
	}
}

// bareCommitter commits what has been consumed, one commit after the other.
// Everything is consumed in order, so the last offset is the contiguous one.
type bareCommitter struct {
	gen   *kafkago.Generation
	dirty chan struct{}

	mu      sync.Mutex
	offsets [partitions]int64
}

func (c *bareCommitter) note(m kafkago.Message) {
	c.mu.Lock()
	c.offsets[m.Partition] = m.Offset + 1
	c.mu.Unlock()
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

func (c *bareCommitter) run() {
	for open := true; open; {
		_, open = <-c.dirty
		c.mu.Lock()
		offsets := map[int]int64{}
		for p, offset := range c.offsets {
			offsets[p] = offset
		}
		c.mu.Unlock()
		if err := c.gen.CommitOffsets(map[string]map[int]int64{topic: offsets}); err != nil {
			return
		}
	}
}
