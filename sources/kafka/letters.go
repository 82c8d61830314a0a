package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// letters reads dead letters as nobody's consumer: it moves no offsets.
type letters struct {
	client *client
	writer *kafka.Writer
}

var _ sources.Letters = (*letters)(nil)

// OpenLetters gives access to the dead letters of the topics in cfg. The error
// is about cfg alone.
func OpenLetters(cfg Config) (sources.Letters, error) {
	if err := errors.Join(cfg.Validate()...); err != nil {
		return nil, err
	}
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &letters{client: c, writer: newWriter(c, kafka.BalancerFunc(originalPartition))}, nil
}

// originalPartition is where the original was, which keeps it with its key
// whatever the producer's way of sharing out keys; or by key, if there are fewer
// partitions now.
func originalPartition(m kafka.Message, partitions ...int) int {
	if p, ok := m.WriterData.(int); ok && slices.Contains(partitions, p) {
		return p
	}
	return kafka.Murmur2Balancer{}.Balance(m, partitions...)
}

// Each visits the letters partition by partition, up to what is there now. One
// that falls silent does not hide the others, and is an error at the end.
func (l *letters) Each(ctx context.Context, visit func(*sources.DeadLetter) error) error {
	var silent error
	for _, topic := range l.client.config.Topics {
		lettersTopic := l.client.config.deadLetterTopic(topic)
		bounds, err := l.client.bounds(ctx, lettersTopic)
		if err != nil {
			return err
		}
		for _, b := range bounds {
			switch err := l.readPartition(ctx, topic, lettersTopic, b, visit); {
			case errors.Is(err, errQuiet):
				silent = errors.Join(silent, err)
			case err != nil:
				return err
			}
		}
	}
	return silent
}

func (l *letters) readPartition(ctx context.Context, target, topic string, b kafka.PartitionOffsets, visit func(*sources.DeadLetter) error) error {
	if b.FirstOffset >= b.LastOffset {
		return nil
	}
	reader := l.client.reader(ctx, topic, b.Partition, b.FirstOffset)
	defer reader.close()
	for offset := b.FirstOffset; offset < b.LastOffset; {
		m, err := fetchWithin(ctx, reader)
		if err != nil {
			return fmt.Errorf("read %s[%d] from %d to %d: %w", topic, b.Partition, offset, b.LastOffset-1, l.client.explain(err))
		}
		if offset = m.Offset + 1; isControl(m) || m.Offset >= b.LastOffset {
			continue
		}
		err = visit(&sources.DeadLetter{
			Message: message("", m), Target: target,
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
func fetchWithin(ctx context.Context, r *reader) (kafka.Message, error) {
	limited, cancel := context.WithTimeoutCause(ctx, requestTimeout, errQuiet)
	defer cancel()
	m, err := r.next(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		err = context.Cause(limited)
	}
	return m, err
}

// Republish writes the original to the topic of which these are the dead
// letters: what the letter itself says may come from anybody.
func (l *letters) Republish(ctx context.Context, letter *sources.DeadLetter) error {
	m := kafka.Message{Topic: letter.Target, Key: letter.Key, Value: letter.Body}
	for _, h := range letter.OriginalHeaders() {
		m.Headers = append(m.Headers, kafka.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	if p, err := strconv.Atoi(letter.Get("x-dlq-partition")); err == nil {
		m.WriterData = p
	}
	err := l.writer.WriteMessages(ctx, m)
	if errs, ok := errors.AsType[kafka.WriteErrors](err); ok && len(errs) == 1 {
		err = errs[0]
	}
	if err != nil {
		return fmt.Errorf("publish %s to topic %s: %w", letter.ID, letter.Target, l.client.explain(err))
	}
	return nil
}

// Delete cannot: Kafka deletes from the beginning of a partition only.
func (*letters) Delete(context.Context, *sources.DeadLetter) error { return sources.ErrKept }

// Close disconnects.
func (l *letters) Close() error {
	err := l.writer.Close()
	l.client.close()
	return err
}

// bounds returns the offsets of the first and behind the last message of every
// partition of a topic.
func (c *client) bounds(ctx context.Context, topic string) ([]kafka.PartitionOffsets, error) {
	metadata, err := c.api.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, c.unreachable(err)
	}
	var requests []kafka.OffsetRequest
	for _, t := range metadata.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w: create it or correct KAFKA_DLQ_SUFFIX=%s", topic, t.Error, c.config.DLQSuffix)
		}
		for _, p := range t.Partitions {
			requests = append(requests, kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
		}
	}
	response, err := c.api.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}})
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of topic %s: %w", topic, c.explain(err))
	}
	bounds := response.Topics[topic]
	slices.SortFunc(bounds, func(a, b kafka.PartitionOffsets) int { return a.Partition - b.Partition })
	for _, b := range bounds {
		err = errors.Join(err, b.Error)
	}
	return bounds, err
}
