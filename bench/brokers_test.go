//go:build real && linux

package bench_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// broker holds a backlog for the worker.
type broker interface {
	// fill makes a stream or topic of that name, with n notifications, and
	// returns the worker's settings for it.
	fill(ctx context.Context, name string, n int) (map[string]string, error)
	// publish adds one notification to the last stream or topic.
	publish(ctx context.Context, id string) error
}

// notification is one that is shown as about 300 bytes.
func notification(id string) []byte {
	return fmt.Appendf(nil, `{"id":"%s","source":"bench","severity":"warning","subject":"Disk almost full on db-1","message":"%s"}`,
		id, strings.Repeat("lorem ipsum dolor sit amet, ", 10)[:260])
}

type natsBroker struct {
	url  string
	js   jetstream.JetStream
	name string
}

func newNATS(t *testing.T, dir string) *natsBroker {
	t.Helper()
	server, err := testbed.NATS(t.Context(), testbed.Options{Dir: dir})
	must(t, err)
	t.Cleanup(func() { must(t, server.Kill()) })
	conn, err := nats.Connect(server.URL)
	must(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	must(t, err)
	return &natsBroker{url: server.URL, js: js}
}

func (b *natsBroker) fill(ctx context.Context, name string, n int) (map[string]string, error) {
	b.name = name
	for _, c := range []jetstream.StreamConfig{
		{Name: name, Subjects: []string{name}},
		{Name: name + "-dlq", Subjects: []string{"dlq." + name + ".>"}},
	} {
		if _, err := b.js.CreateStream(ctx, c); err != nil {
			return nil, err
		}
	}
	for i := range n {
		_, err := b.js.PublishAsync(name, notification(fmt.Sprint(name, "-", i)), jetstream.WithStallWait(10*time.Second))
		if err != nil {
			return nil, err
		}
	}
	select {
	case <-b.js.PublishAsyncComplete():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return map[string]string{"SOURCES": "nats", "NATS_URL": b.url, "NATS_STREAM": name, "NATS_CREATE": "true"}, nil
}

func (b *natsBroker) publish(ctx context.Context, id string) error {
	_, err := b.js.Publish(ctx, b.name, notification(b.name+"-"+id))
	return err
}

type kafkaBroker struct {
	addr   string
	name   string
	writer *kafka.Writer
}

func newKafka(t *testing.T, dir string) *kafkaBroker {
	t.Helper()
	server, err := testbed.Kafka(t.Context(), testbed.Options{Dir: dir})
	must(t, err)
	t.Cleanup(func() { must(t, server.Kill()) })
	b := &kafkaBroker{addr: server.Addr}
	t.Cleanup(func() { must(t, b.close()) })
	return b
}

func (b *kafkaBroker) close() error {
	if b.writer == nil {
		return nil
	}
	return b.writer.Close()
}

func (b *kafkaBroker) fill(ctx context.Context, name string, n int) (map[string]string, error) {
	b.name = name
	client := &kafka.Client{Addr: kafka.TCP(b.addr)}
	created, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: name, NumPartitions: 3, ReplicationFactor: 1}, {Topic: name + ".dlq", NumPartitions: 1, ReplicationFactor: 1},
	}})
	if err == nil {
		err = errors.Join(created.Errors[name], created.Errors[name+".dlq"], b.close())
	}
	if err != nil {
		return nil, err
	}
	b.writer = &kafka.Writer{Addr: client.Addr, Topic: name, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	messages := make([]kafka.Message, n)
	for i := range messages {
		messages[i].Value = notification(fmt.Sprint(name, "-", i))
	}
	if n > 0 {
		err = b.writer.WriteMessages(ctx, messages...)
	}
	return map[string]string{"SOURCES": "kafka", "KAFKA_BROKERS": b.addr, "KAFKA_TOPICS": name, "KAFKA_GROUP_ID": name}, err
}

func (b *kafkaBroker) publish(ctx context.Context, id string) error {
	return b.writer.WriteMessages(ctx, kafka.Message{Value: notification(b.name + "-" + id)})
}
