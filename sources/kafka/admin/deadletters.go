package admin

import (
	"context"
	"errors"
	"fmt"
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
	return &deadLetters{client: c, writer: c.NewWriter(kafkago.BalancerFunc(originalPartition))}, nil
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

// Each visits the letters partition by partition, up to what is there now. One
// that falls silent does not hide the others, and is an error at the end.
func (l *deadLetters) Each(ctx context.Context, visit func(*sources.DeadLetter) error) error {
	var silent error
	for _, topic := range l.client.Config.Topics {
		bounds, err := l.bounds(ctx, l.client.Config.DeadLetterTopic(topic))
		if err != nil {
			return err
		}
		for _, b := range bounds {
			switch err := l.readPartition(ctx, topic, b, visit); {
			case errors.Is(err, errQuiet):
				silent = errors.Join(silent, err)
			case err != nil:
				return err
			}
		}
	}
	return silent
}

func (l *deadLetters) bounds(ctx context.Context, topic string) ([]kafkago.PartitionOffsets, error) {
	topics, err := l.client.Metadata(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err := topics[topic].Error; err != nil {
		return nil, l.client.ExplainDeadLetters(topic, err)
	}
	return l.client.Bounds(ctx, topics[topic])
}

func (l *deadLetters) readPartition(ctx context.Context, target string, b kafkago.PartitionOffsets, visit func(*sources.DeadLetter) error) error {
	topic := l.client.Config.DeadLetterTopic(target)
	if b.FirstOffset >= b.LastOffset {
		return nil
	}
	r := reader.New(ctx, l.client, topic, b.Partition, b.FirstOffset)
	defer r.Close()
	for offset := b.FirstOffset; offset < b.LastOffset; {
		m, err := fetchWithin(ctx, r)
		if err != nil {
			return fmt.Errorf("read %s[%d] from %d to %d: %w", topic, b.Partition, offset, b.LastOffset-1, l.client.Explain(err))
		}
		if offset = m.Offset + 1; kafka.IsControl(m) || m.Offset >= b.LastOffset {
			continue
		}
		err = visit(&sources.DeadLetter{
			Message: kafka.NewMessage("", m), Target: target,
			ID: fmt.Sprintf("%s/%d/%d", topic, b.Partition, m.Offset),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// errQuiet says that nothing came, although there should be something.
var errQuiet = errors.New("nothing came: the brokers do not answer, or compaction has removed the last letters")

// fetchWithin bounds the wait for the next message.
func fetchWithin(ctx context.Context, r *reader.Reader) (kafkago.Message, error) {
	limited, cancel := context.WithTimeoutCause(ctx, client.RequestTimeout, errQuiet)
	defer cancel()
	m, err := r.Next(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		err = context.Cause(limited)
	}
	return m, err
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
	return err
}
