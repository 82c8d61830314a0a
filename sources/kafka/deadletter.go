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

// write returns when the brokers have stored the letter. One that is too large
// is tried again without the error text, the only long part that is ours.
func (w *deadLetterWriter) write(ctx context.Context, m *sources.Message, reason sources.Reason) error {
	headers := sources.DeadLetterHeaders(m, reason, time.Now())
	err := w.send(ctx, m, headers)
	if errors.Is(err, kafka.MessageSizeTooLarge) {
		headers = slices.DeleteFunc(headers, func(h envelope.Header) bool { return h.Key == "x-dlq-error" })
		err = w.send(ctx, m, headers)
	}
	if err != nil {
		return fmt.Errorf("write dead letter of %s: %w", m.Place(), w.client.ExplainDeadLetters(w.client.Config.DeadLetterTopic(m.Topic), err))
	}
	return nil
}

func (w *deadLetterWriter) send(ctx context.Context, m *sources.Message, headers []envelope.Header) error {
	letter := kafka.Message{Topic: w.client.Config.DeadLetterTopic(m.Topic), Key: m.Key, Value: m.Body}
	for _, h := range headers {
		letter.Headers = append(letter.Headers, kafka.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	err := w.writer.WriteMessages(ctx, letter)
	if errs, ok := errors.AsType[kafka.WriteErrors](err); ok && len(errs) == 1 {
		return errs[0]
	}
	return err
}

func (w *deadLetterWriter) close() { _ = w.writer.Close() }
