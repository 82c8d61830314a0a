// Package publish writes what package ingest takes to a topic.
package publish

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// Publisher writes to one topic.
type Publisher struct {
	topic  string
	client *client.Client
}

var _ ingest.Publisher = (*Publisher)(nil)

// Open prepares a Publisher. It connects when it is used; the error is about cfg alone.
func Open(cfg kafka.Config, topic string) (*Publisher, error) {
	c, err := client.New(cfg)
	if err != nil {
		return nil, err
	}
	return &Publisher{topic: topic, client: c}, nil
}

// Publish writes m, and returns when all in-sync replicas have it. Nothing of it is kept
// beyond the deadline of ctx. The key is the format, so that the end of an alert follows
// its beginning in the same partition. Kafka does not recognise copies: the worker does,
// by the ids in m.
func (p *Publisher) Publish(ctx context.Context, m ingest.Message) error {
	record := kafkago.Message{Topic: p.topic, Key: []byte(m.Format), Value: m.Body}
	for _, h := range m.Header {
		record.Headers = append(record.Headers, kafkago.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	err := p.client.Write(ctx, record, client.ByKey)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kafkago.MessageSizeTooLarge):
		return fmt.Errorf("%w, topic %s: raise its max.message.bytes", ingest.ErrTooLarge, p.topic)
	}
	return fmt.Errorf("publish to topic %s: %w", p.topic, p.client.Explain(err))
}

// Close disconnects.
func (p *Publisher) Close() error {
	p.client.Close()
	return nil
}
