package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// letterBox writes dead letters.
type letterBox struct {
	client *client
	writer *kafka.Writer
}

func newLetterBox(c *client) *letterBox {
	return &letterBox{client: c, writer: newWriter(c, kafka.Murmur2Balancer{})}
}

// newWriter sends every message by itself, so that one that is too large does
// not take others with it, and lets the broker judge the size. Messages are
// compressed because their originals may have been: uncompressed they might
// exceed a limit that the originals kept.
func newWriter(c *client, balancer kafka.Balancer) *kafka.Writer {
	return &kafka.Writer{
		Addr: c.api.Addr, Transport: c.transport, Balancer: balancer,
		RequiredAcks: kafka.RequireAll, MaxAttempts: 3, BatchSize: 1, BatchBytes: 1 << 30,
		BatchTimeout: time.Millisecond, WriteTimeout: requestTimeout, Compression: kafka.Gzip,
	}
}

// write returns when the brokers have stored the letter. One that is too large
// is tried again without the error text, the only long part that is ours.
func (b *letterBox) write(ctx context.Context, m *sources.Message, reason sources.Reason) error {
	headers := sources.DeadLetterHeaders(m, reason, time.Now())
	err := b.send(ctx, m, headers)
	if errors.Is(err, kafka.MessageSizeTooLarge) {
		headers = slices.DeleteFunc(headers, func(h envelope.Header) bool { return h.Key == "x-dlq-error" })
		err = b.send(ctx, m, headers)
	}
	if err != nil {
		return fmt.Errorf("write dead letter of %s: %w", m.Place(), b.client.explainLetters(b.client.config.deadLetterTopic(m.Topic), err))
	}
	return nil
}

func (b *letterBox) send(ctx context.Context, m *sources.Message, headers []envelope.Header) error {
	letter := kafka.Message{Topic: b.client.config.deadLetterTopic(m.Topic), Key: m.Key, Value: m.Body}
	for _, h := range headers {
		letter.Headers = append(letter.Headers, kafka.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	err := b.writer.WriteMessages(ctx, letter)
	if errs, ok := errors.AsType[kafka.WriteErrors](err); ok && len(errs) == 1 {
		return errs[0]
	}
	return err
}

func (b *letterBox) close() { _ = b.writer.Close() }
