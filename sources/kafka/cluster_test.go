package kafka_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

const (
	topic      = "alerts"
	partitions = 3
	session    = 15 * time.Second // a busy machine is no crash
	short      = 3 * time.Second  // where the end of sessions is waited for
	patience   = time.Minute
)

// cluster is a Kafka cluster in this process, and what an operator would do
// with it.
type cluster struct {
	*kfake.Cluster // nil for a real one
	topic          string
	rounds         int // in search of leaks; 0 for the usual number
	config         kafka.Config
	lines          *lines // of the source's log; nil: nobody looks
	admin          *kafkago.Client
	writer         *kafkago.Writer
}

// newCluster starts a cluster without topics.
func newCluster(t testing.TB, options ...kfake.Opt) *cluster {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(500 * time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	c := clusterAt(t, topic, fake.ListenAddrs()...)
	c.Cluster = fake
	return c
}

// clusterAt is a cluster that somebody else runs.
func clusterAt(t testing.TB, topic string, brokers ...string) *cluster {
	t.Helper()
	transport := &kafkago.Transport{MetadataTTL: 2 * time.Second, DialTimeout: patience}
	t.Cleanup(transport.CloseIdleConnections)
	address := kafkago.TCP(brokers...)
	writer := &kafkago.Writer{
		Addr: address, Transport: transport, Topic: topic, Balancer: &kafkago.Hash{},
		RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond,
	}
	t.Cleanup(func() { _ = writer.Close() })
	return &cluster{
		topic: topic, writer: writer,
		admin: &kafkago.Client{Addr: address, Transport: transport, Timeout: patience},
		config: kafka.Config{
			Brokers: brokers, Topics: []string{topic}, GroupID: topic + "-workers", DLQSuffix: ".dlq",
			Start: "earliest", SessionTimeout: session, SASL: "none",
		},
	}
}

// withTopic starts a cluster with the topic.
func withTopic(t testing.TB) *cluster {
	t.Helper()
	c := newCluster(t)
	if err := c.createTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) createTopic(ctx context.Context, name string) error {
	response, err := c.admin.CreateTopics(ctx, &kafkago.CreateTopicsRequest{
		Topics: []kafkago.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}},
	})
	if err != nil {
		return err
	}
	return response.Errors[name]
}

// Publish is part of sourcetest.Broker, as are the following.
func (c *cluster) Publish(ctx context.Context, records ...sourcetest.Record) error {
	messages := make([]kafkago.Message, len(records))
	for i, r := range records {
		messages[i] = kafkago.Message{Key: r.Key, Value: r.Body}
		for _, h := range r.Header {
			messages[i].Headers = append(messages[i].Headers, kafkago.Header{Key: h.Key, Value: []byte(h.Value)})
		}
	}
	return c.writer.WriteMessages(ctx, messages...)
}

func (c *cluster) Open(t *testing.T) sources.Source {
	t.Helper()
	return c.start(t)
}

func (c *cluster) start(t testing.TB) *kafka.Source {
	t.Helper()
	log := logger(t)
	if c.lines != nil {
		log = slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), c.lines), nil))
	}
	s, err := kafka.OpenPolling(c.config, log, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open is start for a source that is closed at the end of the test.
func (c *cluster) open(t testing.TB) *kafka.Source {
	t.Helper()
	s := c.start(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = s.Close(ctx)
	})
	return s
}

func (c *cluster) Settled(ctx context.Context) (int, error) {
	sum := 0
	offsets, err := c.committed(ctx)
	for _, offset := range offsets {
		sum += int(max(offset, 0))
	}
	return sum, err
}

// committed returns the group's offset in every partition, -1 for none.
func (c *cluster) committed(ctx context.Context) (map[int]int64, error) {
	ids := make([]int, 8)
	for i := range ids {
		ids[i] = i
	}
	response, err := c.admin.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{
		GroupID: c.config.GroupID, Topics: map[string][]int{c.topic: ids},
	})
	if err != nil {
		return nil, err
	}
	offsets := map[int]int64{}
	for _, p := range response.Topics[c.topic] {
		offsets[p.Partition] = p.CommittedOffset
		err = errors.Join(err, p.Error)
	}
	return offsets, errors.Join(err, response.Error)
}

func (c *cluster) CreateDeadLetters(ctx context.Context) error {
	return c.createTopic(ctx, c.topic+".dlq")
}

func (c *cluster) DeadLetters(ctx context.Context) ([]sourcetest.Record, error) {
	ends, err := c.ends(ctx, c.topic+".dlq")
	if errors.Is(err, kafkago.UnknownTopicOrPartition) {
		return nil, nil
	}
	var records []sourcetest.Record
	for p, end := range ends {
		if end > 0 && err == nil {
			var more []sourcetest.Record
			more, err = c.read(ctx, c.topic+".dlq", p, end)
			records = append(records, more...)
		}
	}
	return records, err
}

// ends returns the offset behind the last record of every partition.
func (c *cluster) ends(ctx context.Context, topic string) (map[int]int64, error) {
	var requests []kafkago.OffsetRequest
	for p := range partitions {
		requests = append(requests, kafkago.LastOffsetOf(p))
	}
	response, err := c.admin.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: requests}})
	if err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	for _, p := range response.Topics[topic] {
		ends[p.Partition] = p.LastOffset
		err = errors.Join(err, p.Error)
	}
	return ends, err
}

// read returns the first n records of a partition.
func (c *cluster) read(ctx context.Context, topic string, partition int, n int64) ([]sourcetest.Record, error) {
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: c.config.Brokers, Topic: topic, Partition: partition,
		MaxWait: 100 * time.Millisecond, ReadLagInterval: -1,
	})
	var records []sourcetest.Record
	for range n {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			return nil, errors.Join(err, reader.Close())
		}
		r := sourcetest.Record{Key: m.Key, Body: m.Value}
		for _, h := range m.Headers {
			r.Header = append(r.Header, envelope.Header{Key: h.Key, Value: string(h.Value)})
		}
		records = append(records, r)
	}
	return records, reader.Close()
}

func (c *cluster) Features() sourcetest.Features {
	return sourcetest.Features{Lease: c.config.SessionTimeout, Rounds: c.rounds}
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
