package admin

import (
	"context"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Owner is the consumer group of the source.
func (l *deadLetters) Owner() string { return l.client.Config.GroupID }

// MarkReplayed stores beside a dead letter that its original was published again.
func (l *deadLetters) MarkReplayed(ctx context.Context, letter *sources.DeadLetter) error {
	m := kafkago.Message{Topic: letter.Topic, Key: letter.Key}
	for _, h := range sources.ReplayedHeaders(letter, time.Now()) {
		m.Headers = append(m.Headers, kafkago.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	if err := l.client.Write(ctx, m, letter.Partition); err != nil {
		return fmt.Errorf("mark %s as replayed: %w", letter.ID, l.client.ExplainDeadLetters(letter.Topic, err))
	}
	return nil
}
