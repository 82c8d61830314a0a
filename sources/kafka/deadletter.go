package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// deadLetterWriter writes dead letters.
type deadLetterWriter struct {
	client *client.Client
	writer *kafka.Writer
}

func newDeadLetterWriter(c *client.Client) *deadLetterWriter {
	return &deadLetterWriter{client: c, writer: c.NewWriter(kafka.Murmur2Balancer{})}
}

// write returns when the brokers have stored the dead letter. One that is too large
// is tried again without the error text, the only long part that is ours, and
// then without the original, which its headers point to.
func (w *deadLetterWriter) write(ctx context.Context, l *lease, reason sources.Reason) error {
	m := &l.delivery.Message
	letter := kafka.Message{Topic: w.client.Config.DeadLetterTopic(m.Topic), Key: m.Key, Value: m.Body}
	added := len(m.Header)
	headers := sources.DeadLetterHeaders(m, reason, time.Now())
	_ = added
	letter.Headers = w.headers(l, headers)
	err := w.send(ctx, letter)
	if errors.Is(err, kafka.MessageSizeTooLarge) {
		headers = slices.DeleteFunc(headers, func(h envelope.Header) bool { return h.Key == "x-dlq-error" })
		letter.Headers = w.headers(l, headers)
		err = w.send(ctx, letter)
	}
	if err != nil {
		return fmt.Errorf("write dead letter of %s: %w", m.Place(), w.client.ExplainDeadLetters(letter.Topic, err))
	}
	return nil
}

// headers are those of a dead letter. Kafka tells null from empty, which headers
// of notifications do not.
func (w *deadLetterWriter) headers(l *lease, of []envelope.Header) []kafka.Header {
	headers := make([]kafka.Header, len(of))
	originals := l.headers
	for i, h := range of {
		headers[i] = kafka.Header{Key: h.Key, Value: []byte(h.Value)}
		for len(originals) > 0 && strings.HasPrefix(strings.ToLower(originals[0].Key), "x-dlq-") {
			originals = originals[1:]
		}
		if len(originals) > 0 && originals[0].Key == h.Key {
			headers[i].Value = originals[0].Value
			originals = originals[1:]
		}
	}
	return headers
}

func (w *deadLetterWriter) send(ctx context.Context, letter kafka.Message) error {
	err := w.writer.WriteMessages(ctx, letter)
	if errs, ok := errors.AsType[kafka.WriteErrors](err); ok && len(errs) == 1 {
		return errs[0]
	}
	return err
}

func (w *deadLetterWriter) close() { _ = w.writer.Close() }
