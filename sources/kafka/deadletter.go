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
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

// minDeadLetter is a size that barely holds our own headers. A topic that takes no
// more takes no dead letters.
const minDeadLetter = 1 << 10

// writeDeadLetter returns when the brokers have stored the dead letter. One that is too
// large for the topic, which does not tell its limit, is cut until it fits.
func writeDeadLetter(ctx context.Context, c *client.Client, l *lease, reason sources.Reason) error {
	m := &l.delivery.Message
	topic := c.Config.DeadLetterTopic(m.Topic)
	letter := sources.NewDeadLetterMessage(m, reason, time.Now())
	if l.cut >= 0 {
		letter.MarkCut(int(l.cut))
	}
	write := func() error {
		return c.Write(ctx, kafka.Message{Topic: topic, Key: letter.Key, Value: letter.Body, Headers: WireHeaders(letter.Header, l.headers)}, client.ByKey)
	}
	err := write()
	for limit := letter.Size() - minDeadLetter; errors.Is(err, kafka.MessageSizeTooLarge) && limit > 0; limit = min(limit, letter.Size()) / 2 {
		letter.Cut(max(limit, minDeadLetter))
		err = write()
	}
	if err != nil {
		return fmt.Errorf("write dead letter of %s: %w", m.Place(), c.ExplainDeadLetters(topic, err))
	}
	return nil
}

// WireHeaders are headers as Kafka has them: it tells null from empty, which those
// of notifications do not. What is null in originals is null.
func WireHeaders(of []envelope.Header, originals []record.Header) []kafka.Header {
	headers := make([]kafka.Header, len(of))
	for i, h := range of {
		headers[i] = kafka.Header{Key: h.Key, Value: []byte(h.Value)}
		same := slices.IndexFunc(originals, func(o record.Header) bool { return o.Key == h.Key && string(o.Value) == h.Value })
		if same >= 0 { // those before it were ours, and are not among the headers
			headers[i].Value = originals[same].Value
			originals = originals[same+1:]
		}
	}
	return headers
}
