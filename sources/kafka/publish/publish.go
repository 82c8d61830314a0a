// Package publish writes what package ingest takes to a topic.
package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/semaphore"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

const (
	// perMessage is what a message takes beside its body, at least: it bounds the
	// number of small ones.
	perMessage = 4 << 10
	// closeTimeout bounds the wait for messages that nobody waits for any more.
	closeTimeout = 5 * time.Second
)

// Publisher writes to one topic.
type Publisher struct {
	topic  string
	client *client.Client
	writer *kafkago.Writer

	// The writer keeps a message until its partition's leader has answered, also
	// when Publish has returned long ago.
	kept    *semaphore.Weighted // bytes
	limit   int64
	writing sync.WaitGroup
}

var _ ingest.Publisher = (*Publisher)(nil)

// Open prepares a Publisher that keeps at most so many bytes. It connects when it is
// used; the error is about cfg alone.
func Open(cfg kafka.Config, topic string, maxBytes int64) (*Publisher, error) {
	c, err := client.New(cfg)
	if err != nil {
		return nil, err
	}
	p := &Publisher{topic: topic, client: c, writer: c.NewWriter(kafkago.Murmur2Balancer{}), limit: maxBytes + perMessage}
	p.kept = semaphore.NewWeighted(p.limit)
	return p, nil
}

// Publish writes m, and returns when all in-sync replicas have it. The key is the
// format, so that the end of an alert follows its beginning in the same partition.
// Kafka does not recognise copies: the worker does, by the ids in m.
func (p *Publisher) Publish(ctx context.Context, m ingest.Message) error {
	if err := p.look(ctx); err != nil {
		return p.explain(err) // the writer need not keep the message
	}
	written, err := p.write(ctx, m)
	if err != nil {
		return err
	}
	select {
	case err := <-written:
		return p.explain(err)
	case <-ctx.Done():
		return p.explain(ctx.Err())
	}
}

// look asks whether there are brokers, and the topic.
func (p *Publisher) look(ctx context.Context) error {
	answer, err := p.client.API.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{p.topic}})
	if err != nil {
		return err
	}
	for i := range answer.Topics {
		if answer.Topics[i].Name == p.topic {
			return answer.Topics[i].Error
		}
	}
	return kafkago.UnknownTopicOrPartition
}

// write gives m to the writer, and returns what will get its answer.
func (p *Publisher) write(ctx context.Context, m ingest.Message) (<-chan error, error) {
	record := kafkago.Message{Topic: p.topic, Key: []byte(m.Format), Value: m.Body}
	for _, h := range m.Header {
		record.Headers = append(record.Headers, kafkago.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	size := min(int64(len(m.Body))+perMessage, p.limit)
	if !p.kept.TryAcquire(size) {
		return nil, check.Faultf("look why the leader of a partition does not answer", "messages of %d bytes wait for topic %s", p.limit, p.topic)
	}
	written := make(chan error, 1)
	p.writing.Go(func() {
		defer p.kept.Release(size)
		written <- client.Write(context.WithoutCancel(ctx), p.writer, record)
	})
	return written, nil
}

// explain says what an operator can do about it.
func (p *Publisher) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kafkago.MessageSizeTooLarge):
		return fmt.Errorf("%w, topic %s: raise its max.message.bytes", ingest.ErrTooLarge, p.topic)
	}
	return fmt.Errorf("publish to topic %s: %w", p.topic, p.client.Explain(err))
}

// Close disconnects. What the writer still keeps was answered with an error before.
func (p *Publisher) Close() error {
	closed := make(chan error, 1)
	go func() { // ends when the writer's requests have failed
		err := p.writer.Close()
		p.writing.Wait()
		closed <- err
	}()
	defer p.client.Close()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeTimeout):
		return nil
	}
}
