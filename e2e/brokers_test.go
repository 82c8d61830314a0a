package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lanes is how many ordered lanes a broker has in these tests: partitions of
// the Kafka topic. JetStream has one, the stream.
const lanes = 3

// broker is a topic or stream made for one test.
type broker interface {
	// env are the worker's settings for it.
	env() map[string]string
	// publish appends body to a lane and returns when the broker has it.
	publish(ctx context.Context, items []item) error
	// gathered says whether n workers have their part of the work and none is
	// about to come or go.
	gathered(ctx context.Context, n int) (bool, error)
	// acked returns how many leading items of each lane are acknowledged.
	acked(ctx context.Context) ([lanes]int, error)
	// deadLetters returns the reasons of n dead letters.
	deadLetters(ctx context.Context, n int) ([]string, error)
	// refuseDeadLetters makes the broker take no dead letters, or take them again.
	refuseDeadLetters(ctx context.Context, refuse bool) error
}

type item struct {
	lane int
	body []byte
}

// resource makes names that fit every broker and room.
func resource(t *testing.T) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name()))
	return name + "-" + strconv.FormatInt(time.Now().UnixNano()%1e9, 36)
}

type natsBroker struct {
	url, stream string
	replicas    int
	js          jetstream.JetStream
	dlq         jetstream.Stream

	mu    sync.Mutex
	lanes []int // lane of each sequence number
}

func newNATS(t *testing.T, url string) broker { t.Helper(); return newReplicatedNATS(t, url, 1) }

func newReplicatedNATS(t *testing.T, url string, replicas int) *natsBroker {
	t.Helper()
	nc, err := nats.Connect(url, nats.Timeout(patience), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b := &natsBroker{url: url, stream: resource(t), replicas: replicas}
	if b.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	b.createStream(t, b.stream, b.stream+".>")
	b.dlq = b.createStream(t, b.stream+"-dlq", "dlq."+b.stream+".>")
	return b
}

// createStream makes a stream, as soon as the servers are ready to.
func (b *natsBroker) createStream(t *testing.T, name, subject string) (stream jetstream.Stream) {
	t.Helper()
	until(t, "there is the stream "+name, func(ctx context.Context) (bool, error) {
		var err error
		stream, err = b.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}, Replicas: b.replicas})
		return err == nil, err
	})
	return stream
}

func (b *natsBroker) env() map[string]string {
	return map[string]string{"SOURCES": "nats", "NATS_URL": b.url, "NATS_STREAM": b.stream, "NATS_CREATE": "true", "NATS_ACK_WAIT": "4s"}
}

func (b *natsBroker) publish(ctx context.Context, items []item) error {
	if b.replicas > 1 {
		return b.publishEach(ctx, items)
	}
	futures := make([]jetstream.PubAckFuture, 0, len(items))
	for _, it := range items {
		b.next(it.lane)
		f, err := b.js.PublishAsync(b.stream+".lane"+strconv.Itoa(it.lane), it.body)
		if err != nil {
			return err
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// publishEach publishes one after the other, and each until it is stored: the stream
// may have no leader.
func (b *natsBroker) publishEach(ctx context.Context, items []item) error {
	for _, it := range items {
		id := jetstream.WithMsgID(strconv.Itoa(b.next(it.lane)))
		_, err := b.js.Publish(ctx, b.stream+".lane"+strconv.Itoa(it.lane), it.body, id)
		for err != nil && ctx.Err() == nil {
			<-time.After(50 * time.Millisecond)
			_, err = b.js.Publish(ctx, b.stream+".lane"+strconv.Itoa(it.lane), it.body, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// next notes the lane of the message that is published next, and returns its number.
// It may be acknowledged before the publisher knows that it is stored.
func (b *natsBroker) next(lane int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lanes = append(b.lanes, lane)
	return len(b.lanes)
}

// gathered: whoever asks is given messages, whatever others do.
func (b *natsBroker) gathered(context.Context, int) (bool, error) { return true, nil }

func (b *natsBroker) acked(ctx context.Context) ([lanes]int, error) {
	var floor [lanes]int
	consumer, err := b.js.Consumer(ctx, b.stream, "xmpp-notifier")
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return floor, nil
	}
	if err != nil {
		return floor, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, lane := range b.lanes[:consumer.CachedInfo().AckFloor.Stream] {
		floor[lane]++
	}
	return floor, nil
}

func (b *natsBroker) deadLetters(ctx context.Context, n int) ([]string, error) {
	consumer, err := b.dlq.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, err
	}
	batch, err := consumer.Fetch(n, jetstream.FetchMaxWait(patience))
	if err != nil {
		return nil, err
	}
	var reasons []string
	for m := range batch.Messages() {
		reasons = append(reasons, m.Headers().Get("x-dlq-reason")+": "+m.Headers().Get("x-dlq-error"))
	}
	return reasons, batch.Error()
}

func (b *natsBroker) refuseDeadLetters(ctx context.Context, refuse bool) error {
	subject := "dlq." + b.stream + ".>"
	if refuse {
		subject = "refused." + b.stream
	}
	c := jetstream.StreamConfig{Name: b.stream + "-dlq", Subjects: []string{subject}, Replicas: b.replicas}
	_, err := b.js.UpdateStream(ctx, c)
	for b.replicas > 1 && err != nil && ctx.Err() == nil { // while it has no leader
		<-time.After(100 * time.Millisecond)
		_, err = b.js.UpdateStream(ctx, c)
	}
	return err
}

type kafkaBroker struct {
	addrs        []string
	topic, group string
	client       *kafka.Client
	producer     *kgo.Client // which stores nothing twice, whatever happens
}

func newKafka(t *testing.T, addrs ...string) broker {
	t.Helper()
	b := &kafkaBroker{addrs: addrs, topic: resource(t), client: &kafka.Client{Addr: kafka.TCP(addrs...)}}
	b.group = b.topic + "-group"
	b.create(t,
		kafka.TopicConfig{Topic: b.topic, NumPartitions: lanes, ReplicationFactor: -1},
		kafka.TopicConfig{Topic: b.topic + ".dlq", NumPartitions: 1, ReplicationFactor: -1})
	producer, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(b.topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond), kgo.ProducerBatchMaxBytes(1<<20), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	b.producer = producer
	return b
}

// create makes topics, as soon as the brokers are ready to: a connection to one that
// was restarted ends at the first request.
func (b *kafkaBroker) create(t *testing.T, topics ...kafka.TopicConfig) {
	t.Helper()
	until(t, "there are the topics", func(ctx context.Context) (bool, error) {
		created, err := b.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: topics})
		if err != nil {
			return false, err
		}
		for topic, refused := range created.Errors {
			if refused != nil && !errors.Is(refused, kafka.TopicAlreadyExists) {
				err = errors.Join(err, fmt.Errorf("create topic %s: %w", topic, refused))
			}
		}
		return err == nil, err
	})
}

func (b *kafkaBroker) env() map[string]string {
	return map[string]string{
		"SOURCES": "kafka", "KAFKA_BROKERS": strings.Join(b.addrs, ","), "KAFKA_TOPICS": b.topic, "KAFKA_GROUP_ID": b.group,
		"KAFKA_SESSION_TIMEOUT": "6s",
	}
}

func (b *kafkaBroker) publish(ctx context.Context, items []item) error {
	records := make([]*kgo.Record, len(items))
	for i, it := range items {
		records[i] = &kgo.Record{Partition: int32(it.lane), Key: []byte(strconv.Itoa(it.lane)), Value: it.body} //nolint:gosec // few lanes
	}
	return b.producer.ProduceSync(ctx, records...).FirstErr()
}

func (b *kafkaBroker) gathered(ctx context.Context, n int) (bool, error) {
	resp, err := b.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{b.group}})
	if err != nil {
		return false, err
	}
	group := resp.Groups[0]
	return group.GroupState == "Stable" && len(group.Members) == n, group.Error
}

func (b *kafkaBroker) acked(ctx context.Context) ([lanes]int, error) {
	var floor [lanes]int
	resp, err := b.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: b.group, Topics: map[string][]int{b.topic: {0, 1, 2}}})
	if err != nil {
		return floor, err
	}
	for _, p := range resp.Topics[b.topic] {
		floor[p.Partition] = max(int(p.CommittedOffset), 0)
	}
	return floor, resp.Error
}

func (b *kafkaBroker) refuseDeadLetters(ctx context.Context, refuse bool) error {
	bytes := "1048588"
	if refuse {
		bytes = "100"
	}
	response, err := b.client.AlterConfigs(ctx, &kafka.AlterConfigsRequest{Resources: []kafka.AlterConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: b.topic + ".dlq",
		Configs: []kafka.AlterConfigRequestConfig{{Name: "max.message.bytes", Value: bytes}},
	}}})
	if err != nil {
		return err
	}
	for _, refused := range response.Errors {
		err = errors.Join(err, refused)
	}
	return err
}

func (b *kafkaBroker) deadLetters(ctx context.Context, n int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: b.addrs, Topic: b.topic + ".dlq", MaxWait: 250 * time.Millisecond})
	var reasons []string
	var err error
	for len(reasons) < n && err == nil {
		var m kafka.Message
		if m, err = reader.ReadMessage(ctx); err == nil {
			headers := map[string]string{}
			for _, h := range m.Headers {
				headers[h.Key] = string(h.Value)
			}
			reasons = append(reasons, headers["x-dlq-reason"]+": "+headers["x-dlq-error"])
		}
	}
	if err != nil {
		err = fmt.Errorf("after %d dead letters: %w", len(reasons), err)
	}
	return reasons, errors.Join(err, reader.Close())
}
