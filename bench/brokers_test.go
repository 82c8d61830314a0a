//go:build real && linux

package bench_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// broker holds a backlog.
type broker interface {
	// create makes a stream or topic of that name, and returns the worker's
	// settings for it.
	create(ctx context.Context, name string) (map[string]string, error)
	// add adds n notifications to the last one, and returns when it has them.
	add(ctx context.Context, n int) error
}

// notificationSize is how long a notification is, in bytes of JSON.
const notificationSize = 300

// notification is one with an id of its own.
func notification() []byte {
	text := fmt.Sprintf(`{"id":"%s","source":"bench","severity":"warning","subject":"Disk almost full on db-1","message":"`, rand.Text())
	return append(append([]byte(text), strings.Repeat("lorem ipsum ", 20)[:notificationSize-len(text)-len(`"}`)]...), `"}`...)
}

type natsBroker struct {
	url  string
	js   jetstream.JetStream
	name string
}

func newNATS(t *testing.T, dir string) broker {
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

func (b *natsBroker) create(ctx context.Context, name string) (map[string]string, error) {
	b.name = name
	for stream, subject := range map[string]string{name: name, name + "-dlq": "dlq." + name + ".>"} {
		if _, err := b.js.CreateStream(ctx, jetstream.StreamConfig{Name: stream, Subjects: []string{subject}}); err != nil {
			return nil, err
		}
	}
	return map[string]string{"SOURCES": "nats", "NATS_URL": b.url, "NATS_STREAM": name, "NATS_CREATE": "true"}, nil
}

func (b *natsBroker) add(ctx context.Context, n int) error {
	for range n {
		if _, err := b.js.PublishAsync(b.name, notification(), jetstream.WithStallWait(10*time.Second)); err != nil {
			return err
		}
	}
	select {
	case <-b.js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type kafkaBroker struct {
	addr   string
	client *kgo.Client
	name   string
}

func newKafka(t *testing.T, dir string) broker {
	t.Helper()
	server, err := testbed.Kafka(t.Context(), testbed.Options{Dir: dir})
	must(t, err)
	t.Cleanup(func() { must(t, server.Kill()) })
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Addr), kgo.ProducerLinger(0), kgo.UnknownTopicRetries(-1))
	must(t, err)
	t.Cleanup(client.Close)
	return &kafkaBroker{addr: server.Addr, client: client}
}

func (b *kafkaBroker) create(ctx context.Context, name string) (map[string]string, error) {
	b.name = name
	created, err := (&kafka.Client{Addr: kafka.TCP(b.addr)}).CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: name, NumPartitions: 3, ReplicationFactor: 1}, {Topic: name + ".dlq", NumPartitions: 1, ReplicationFactor: 1},
	}})
	if err != nil {
		return nil, err
	}
	return map[string]string{"SOURCES": "kafka", "KAFKA_BROKERS": b.addr, "KAFKA_TOPICS": name, "KAFKA_GROUP_ID": name},
		errors.Join(created.Errors[name], created.Errors[name+".dlq"])
}

func (b *kafkaBroker) add(ctx context.Context, n int) error {
	var failed kgo.FirstErrPromise
	for range n {
		b.client.Produce(ctx, &kgo.Record{Topic: b.name, Value: notification()}, failed.Promise())
	}
	return failed.Err()
}
