//go:build real && linux

package bench_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
	// listen reads that stream or topic with a bare client; receive waits for
	// the next notification.
	listen(ctx context.Context) (receive func() error, err error)
}

// notificationSize is how long a notification is, in bytes of JSON.
const notificationSize = 300

func notification(id string) []byte {
	text := fmt.Sprintf(`{"id":"%s","source":"bench","severity":"warning","subject":"Disk almost full on db-1","message":"`, id)
	padding := strings.Repeat("lorem ipsum dolor sit amet, ", 10)[:notificationSize-len(text)-len(`"}`)]
	return []byte(text + padding + `"}`)
}

type natsBroker struct {
	*testbed.NATSServer
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
	return &natsBroker{NATSServer: server, js: js}
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
	return map[string]string{"SOURCES": "nats", "NATS_URL": b.URL, "NATS_STREAM": name, "NATS_CREATE": "true"}, nil
}

func (b *natsBroker) publish(ctx context.Context, id string) error {
	_, err := b.js.Publish(ctx, b.name, notification(b.name+"-"+id))
	return err
}

func (b *natsBroker) listen(ctx context.Context) (func() error, error) {
	consumer, err := b.js.CreateConsumer(ctx, b.name, jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return nil, err
	}
	messages, err := consumer.Messages()
	return func() error {
		_, err := messages.Next(jetstream.NextContext(ctx))
		return err
	}, err
}

type kafkaBroker struct {
	*testbed.KafkaBroker
	name   string
	writer *kafka.Writer
}

// newKafka starts Kafka and makes it warm: a JVM is slow at first.
func newKafka(t *testing.T, dir string) *kafkaBroker {
	t.Helper()
	server, err := testbed.Kafka(t.Context(), testbed.Options{Dir: dir})
	must(t, err)
	t.Cleanup(func() { must(t, server.Kill()) })
	b := &kafkaBroker{KafkaBroker: server}
	t.Cleanup(func() { must(t, b.close()) })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, b.warmUp(ctx))
	return b
}

// warmUp has a group read single messages and commit them for a while.
func (b *kafkaBroker) warmUp(ctx context.Context) error {
	if _, err := b.fill(ctx, "warm-up", 0); err != nil {
		return err
	}
	receive, err := b.listen(ctx)
	for i := 0; i < fewer(3000) && err == nil; i++ {
		err = errors.Join(b.publish(ctx, strconv.Itoa(i)), receive())
	}
	return err
}

func (b *kafkaBroker) close() error {
	if b.writer == nil {
		return nil
	}
	return b.writer.Close()
}

func (b *kafkaBroker) fill(ctx context.Context, name string, n int) (map[string]string, error) {
	b.name = name
	client := &kafka.Client{Addr: kafka.TCP(b.Addr)}
	created, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: name, NumPartitions: 3, ReplicationFactor: 1}, {Topic: name + ".dlq", NumPartitions: 1, ReplicationFactor: 1},
	}})
	if err == nil {
		err = errors.Join(created.Errors[name], created.Errors[name+".dlq"], b.close())
	}
	if err != nil {
		return nil, err
	}
	b.writer = &kafka.Writer{Addr: client.Addr, Topic: name, RequiredAcks: kafka.RequireAll, BatchSize: 1000, BatchTimeout: time.Millisecond}
	if n == 0 {
		b.writer.BatchSize = 1 // single ones follow, which need not wait for more
	}
	for i := 0; i < n && err == nil; {
		messages := make([]kafka.Message, min(n-i, 10_000))
		for j := range messages {
			messages[j].Value = notification(fmt.Sprint(name, "-", i+j))
		}
		err = b.writer.WriteMessages(ctx, messages...)
		i += len(messages)
	}
	return map[string]string{"SOURCES": "kafka", "KAFKA_BROKERS": b.Addr, "KAFKA_TOPICS": name, "KAFKA_GROUP_ID": name}, err
}

func (b *kafkaBroker) publish(ctx context.Context, id string) error {
	return b.writer.WriteMessages(ctx, kafka.Message{Value: notification(b.name + "-" + id)})
}

func (b *kafkaBroker) listen(ctx context.Context) (func() error, error) {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{b.Addr}, Topic: b.name, GroupID: b.name + "-bare", MinBytes: 1, MaxBytes: 1 << 20, CommitInterval: time.Second, StartOffset: kafka.FirstOffset})
	receive := func() error {
		_, err := reader.ReadMessage(ctx)
		return err
	}
	if err := b.publish(ctx, "first"); err != nil { // when it has come, the group is complete
		return nil, err
	}
	return receive, receive()
}
