package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
)

// deadLetters reads dead letters as nobody's consumer: it moves no offsets.
type deadLetters struct {
	client *client.Client
	memory *reader.Memory
	writer *kafkago.Writer
}

var _ sources.Letters = (*deadLetters)(nil)

// OpenLetters gives access to the dead letters of the topics in cfg. The error
// is about cfg alone.
func OpenLetters(cfg kafka.Config) (sources.Letters, error) {
	c, err := client.New(cfg)
	if err != nil {
		return nil, err
	}
	memory, err := reader.NewMemory()
	if err != nil {
		return nil, err
	}
	return &deadLetters{client: c, memory: memory, writer: c.NewWriter(kafkago.BalancerFunc(originalPartition))}, nil
}

// originalPartition is where the original was, which keeps it with its key
// whatever the producer's way of sharing out keys; or by key, if there are fewer
// partitions now.
func originalPartition(m kafkago.Message, partitions ...int) int {
	if p, ok := m.WriterData.(int); ok && slices.Contains(partitions, p) {
		return p
	}
	return kafkago.Murmur2Balancer{}.Balance(m, partitions...)
}

// Each visits the dead letters partition by partition, up to what is there now.
// One that falls silent does not hide the others, and is an error at the end.
func (l *deadLetters) Each(ctx context.Context, visit func(*sources.DeadLetter) error) error {
	var silent error
	for _, target := range l.client.Config.Topics {
		name := l.client.Config.DeadLetterTopic(target)
		topics, err := l.client.Topics(ctx, name)
		if err != nil {
			return err
		}
		topic := topics[name]
		if topic.Err != nil {
			return l.client.ExplainDeadLetters(name, topic.Err)
		}
		for _, partition := range slices.Sorted(maps.Keys(topic.Leaders)) {
			switch err := l.readPartition(ctx, target, topic, partition, visit); {
			case errors.Is(err, errQuiet):
				silent = errors.Join(silent, err)
			case err != nil:
				return err
			}
		}
	}
	return silent
}

func (l *deadLetters) readPartition(ctx context.Context, target string, topic client.Topic, partition int, visit func(*sources.DeadLetter) error) error {
	end, err := l.client.Offset(ctx, topic, partition, client.End)
	if err != nil {
		return fmt.Errorf("ask for the end of %s[%d]: %w", topic.Name, partition, l.client.Explain(err))
	}
	r := reader.New(l.client, l.memory, 1, topic, partition, int64(client.Start), -1)
	defer r.Close()
	for r.Offset() < end {
		item, err := nextWithin(ctx, r)
		if _, jumped := errors.AsType[*reader.JumpError](err); jumped {
			continue // retention is at work
		}
		if err != nil {
			return fmt.Errorf("read %s[%d] from %d to %d: %w", topic.Name, partition, r.Offset(), end-1, l.client.Explain(err))
		}
		if item.Empty || item.Unreadable != nil || item.Offset >= end {
			continue
		}
		err = visit(&sources.DeadLetter{
			Message: kafka.NewMessage("", topic.Name, partition, &item.Record), Target: target,
			ID: fmt.Sprintf("%s/%d/%d", topic.Name, partition, item.Offset),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// errQuiet says that nothing came, although there should be something.
var errQuiet = errors.New("nothing came: the brokers do not answer")

// nextWithin bounds the wait for what follows.
func nextWithin(ctx context.Context, r *reader.Reader) (reader.Item, error) {
	limited, cancel := context.WithTimeoutCause(ctx, client.RequestTimeout, errQuiet)
	defer cancel()
	item, err := r.Next(limited)
	for errors.Is(err, reader.ErrIdle) {
		item, err = r.Next(limited)
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		err = context.Cause(limited)
	}
	return item, err
}

// Republish writes the original to the topic of which these are the dead
// letters: what the letter itself says may come from anybody.
func (l *deadLetters) Republish(ctx context.Context, letter *sources.DeadLetter) error {
	m := kafkago.Message{Topic: letter.Target, Key: letter.Key, Value: letter.Body}
	for _, h := range letter.OriginalHeaders() {
		m.Headers = append(m.Headers, kafkago.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	if p, err := strconv.Atoi(letter.Get("x-dlq-partition")); err == nil {
		m.WriterData = p
	}
	err := l.writer.WriteMessages(ctx, m)
	if errs, ok := errors.AsType[kafkago.WriteErrors](err); ok && len(errs) == 1 {
		err = errs[0]
	}
	if err != nil {
		return fmt.Errorf("publish %s to topic %s: %w", letter.ID, letter.Target, l.client.Explain(err))
	}
	return nil
}

// Delete cannot: Kafka deletes from the beginning of a partition only.
func (*deadLetters) Delete(context.Context, *sources.DeadLetter) error { return sources.ErrKept }

// Close disconnects.
func (l *deadLetters) Close() error {
	err := l.writer.Close()
	l.client.Close()
	l.memory.Close()
	return err
}
