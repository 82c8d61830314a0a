//go:build real && linux

package bench_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// way is one way from a broker into the room.
type way struct {
	name string
	pid  int // of the broker
	// create makes a stream or topic of that name, and returns the worker's settings
	// for it.
	create func(ctx context.Context, name string) (env map[string]string, err error)
	// add adds n notifications to one, and returns when it has them.
	add func(ctx context.Context, env map[string]string, n int) error
}

// notificationSize is how long a notification is, in bytes of JSON.
const notificationSize = 300

// notification is one with an id of its own.
func notification() []byte {
	text := fmt.Sprintf(`{"id":"%s","source":"bench","severity":"warning","subject":"Disk almost full on db-1","message":"`, rand.Text())
	return append(append([]byte(text), strings.Repeat("lorem ipsum ", 20)[:notificationSize-len(text)-len(`"}`)]...), `"}`...)
}

// fromNATS starts a server.
func (b *bed) fromNATS() way {
	server, err := testbed.NATS(b.Context(), testbed.Options{Dir: filepath.Join(b.dir, "nats")})
	must(b, err)
	b.Cleanup(func() { must(b, server.Kill()) })
	conn, err := nats.Connect(server.URL)
	must(b, err)
	b.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	must(b, err)
	create := func(ctx context.Context, name string) (map[string]string, error) {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{name}})
		_, failed := js.CreateStream(ctx, jetstream.StreamConfig{Name: name + "-dlq", Subjects: []string{"dlq." + name + ".>"}})
		return map[string]string{"SOURCES": "nats", "NATS_URL": server.URL, "NATS_STREAM": name, "NATS_CREATE": "true"}, errors.Join(err, failed)
	}
	add := func(ctx context.Context, env map[string]string, n int) error {
		for range n {
			if _, err := js.PublishAsync(env["NATS_STREAM"], notification(), jetstream.WithStallWait(patience)); err != nil {
				return err
			}
		}
		select {
		case <-js.PublishAsyncComplete():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return way{"JetStream", server.PID(), create, add}
}

// fromKafka starts a broker.
func (b *bed) fromKafka() way {
	server, err := testbed.Kafka(b.Context(), testbed.Options{Dir: filepath.Join(b.dir, "kafka")})
	must(b, err)
	b.Cleanup(func() { must(b, server.Kill()) })
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Addr), kgo.ProducerLinger(0), kgo.UnknownTopicRetries(-1))
	must(b, err)
	b.Cleanup(client.Close)
	create := func(ctx context.Context, name string) (map[string]string, error) {
		created, err := (&kafka.Client{Addr: kafka.TCP(server.Addr)}).CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
			{Topic: name, NumPartitions: 3, ReplicationFactor: 1}, {Topic: name + ".dlq", NumPartitions: 1, ReplicationFactor: 1},
		}})
		if err != nil {
			return nil, err
		}
		return map[string]string{"SOURCES": "kafka", "KAFKA_BROKERS": server.Addr, "KAFKA_TOPICS": name, "KAFKA_GROUP_ID": name},
			errors.Join(created.Errors[name], created.Errors[name+".dlq"])
	}
	add := func(ctx context.Context, env map[string]string, n int) error {
		var failed kgo.FirstErrPromise
		for range n {
			client.Produce(ctx, &kgo.Record{Topic: env["KAFKA_TOPICS"], Value: notification()}, failed.Promise())
		}
		return failed.Err()
	}
	return way{"Kafka", server.PID(), create, add}
}
