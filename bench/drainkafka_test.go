//go:build real && linux

package bench_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
)

// drainKafka reads with the source.
func (j job) drainKafka(start func()) error {
	s, err := kafka.Open(kafka.Config{
		Brokers: []string{j.Broker["KAFKA_BROKERS"]}, Topics: []string{j.Broker["KAFKA_TOPICS"]}, GroupID: j.Run,
		DLQSuffix: ".dlq", Start: "earliest", SessionTimeout: 15 * time.Second, SASL: "none",
	}, quiet())
	if err != nil {
		return err
	}
	return errors.Join(j.drain(s, start), s.Close(context.Background()))
}

// readKafka reads as a member of a group with one reader per partition. One
// goroutine uses what they read, another commits it.
func (j job) readKafka(start func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: j.Run, Brokers: []string{j.Broker["KAFKA_BROKERS"]}, Topics: []string{j.Broker["KAFKA_TOPICS"]}, StartOffset: kafkago.FirstOffset,
	})
	if err != nil {
		return err
	}
	gen, err := group.Next(ctx)
	if err != nil {
		return err
	}
	consumed := make(chan kafkago.Message, consumeBatch)
	for topic, assignments := range gen.Assignments {
		for _, a := range assignments {
			go j.readPartition(ctx, topic, a, consumed) // until the process ends
		}
	}
	commits := &committer{topic: j.Broker["KAFKA_TOPICS"], gen: gen, dirty: make(chan struct{}, 1), offsets: map[int]int64{}}
	var committing sync.WaitGroup
	for i := range j.N {
		m := <-consumed
		if i == 0 {
			start()
			committing.Go(commits.run)
		}
		if _, err := envelope.Decode(envelope.Raw{Body: m.Value}); err != nil {
			return err
		}
		commits.note(m)
	}
	close(commits.dirty)
	committing.Wait()
	return commits.err
}

func (j job) readPartition(ctx context.Context, topic string, a kafkago.PartitionAssignment, consumed chan<- kafkago.Message) {
	r := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: []string{j.Broker["KAFKA_BROKERS"]}, Topic: topic, Partition: a.ID, QueueCapacity: 64,
		MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 250 * time.Millisecond, ReadLagInterval: -1,
	})
	for {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			return
		}
		consumed <- m
	}
}

// committer commits what has been used, one commit after the other. Each
// partition is used in order, so its last offset is the contiguous one.
type committer struct {
	topic string
	gen   *kafkago.Generation
	dirty chan struct{}
	err   error // once run has returned

	mu      sync.Mutex
	offsets map[int]int64
}

func (c *committer) note(m kafkago.Message) {
	c.mu.Lock()
	c.offsets[m.Partition] = m.Offset + 1
	c.mu.Unlock()
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

func (c *committer) run() {
	for open := true; open && c.err == nil; {
		_, open = <-c.dirty
		c.mu.Lock()
		offsets := maps.Clone(c.offsets)
		c.mu.Unlock()
		c.err = c.gen.CommitOffsets(map[string]map[int]int64{c.topic: offsets})
	}
}
