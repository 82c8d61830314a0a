package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

const (
	clientID       = "xmpp-notifier"
	requestTimeout = 10 * time.Second
	// metadataTTL is how old the transport's picture of the cluster may be,
	// and also how long it waits for a new one.
	metadataTTL = 5 * time.Second
	// idleTimeout is when an unused connection is closed. The transport also
	// remembers for that long what it was closed with, so it is not the usual 30 s.
	idleTimeout = 10 * time.Second
	// maxWait is how long a broker holds a fetch when there is nothing new.
	maxWait = 500 * time.Millisecond
	// fetchBytes bounds what one fetch brings; a larger message still comes.
	fetchBytes = 1 << 20
)

// client makes everything that talks to the cluster, with the same security.
type client struct {
	config    Config
	tls       *tls.Config
	mechanism sasl.Mechanism
	network   *network
	transport *kafka.Transport
	api       *kafka.Client
}

func newClient(cfg Config) (*client, error) {
	config, err := tlsConfig(cfg)
	if err != nil {
		return nil, err
	}
	mechanism, err := saslMechanism(cfg)
	if err != nil {
		return nil, err
	}
	c := &client{config: cfg, tls: config, mechanism: mechanism, network: newNetwork(config, cfg.Dial)}
	c.transport = &kafka.Transport{
		Dial: c.network.dial, DialTimeout: dialTimeout, ClientID: clientID, SASL: mechanism,
		MetadataTTL: metadataTTL, MetadataTopics: c.knownTopics(), IdleTimeout: idleTimeout,
	}
	c.api = &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: requestTimeout, Transport: c.transport}
	return c, nil
}

func (c *client) knownTopics() []string {
	var topics []string
	for _, topic := range c.config.Topics {
		topics = append(topics, topic, c.config.deadLetterTopic(topic))
	}
	return topics
}

func (c *client) dialer(n *network) *kafka.Dialer {
	return &kafka.Dialer{ClientID: clientID, Timeout: dialTimeout, DialFunc: n.dial, SASLMechanism: c.mechanism}
}

// group joins the consumer group. The heartbeat is how soon a member hears of
// a rebalance, so it stays short however long the session is.
func (c *client) group(b *balancer) (*kafka.ConsumerGroup, error) {
	session, start := c.config.SessionTimeout, kafka.FirstOffset
	if c.config.Start == startLatest {
		start = kafka.LastOffset
	}
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: c.config.GroupID, Brokers: c.config.Brokers, Topics: c.config.Topics,
		Dialer: c.dialer(c.network), StartOffset: start,
		GroupBalancers: []kafka.GroupBalancer{b, kafka.RoundRobinGroupBalancer{}, kafka.RangeGroupBalancer{}},
		SessionTimeout: session, HeartbeatInterval: min(session/10, 2*time.Second), RebalanceTimeout: 3 * drainBudget(session),
		JoinGroupBackoff: retryPause,
	})
}

// partitions counts the partitions of the topics. It creates no topic.
func (c *client) partitions(ctx context.Context) (map[string]int, error) {
	response, err := c.api.Metadata(ctx, &kafka.MetadataRequest{Topics: c.config.Topics})
	if err != nil {
		return nil, c.unreachable(err)
	}
	counts := make(map[string]int, len(response.Topics))
	var errs []error
	for _, topic := range response.Topics {
		counts[topic.Name] = len(topic.Partitions)
		if topic.Error != nil {
			errs = append(errs, c.explainTopic(topic))
		}
	}
	return counts, errors.Join(errs...)
}

// end returns the offset behind the last message of the partition.
func (c *client) end(ctx context.Context, topic string, partition int) (int64, error) {
	response, err := c.api.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(partition)}},
	})
	if err != nil {
		return 0, err
	}
	for _, p := range response.Topics[topic] {
		if p.Partition == partition {
			return p.LastOffset, p.Error
		}
	}
	return 0, kafka.UnknownTopicOrPartition
}

// commit stores offsets for a member on a connection other than the group's.
func (c *client) commit(ctx context.Context, gen *kafka.Generation, offsets map[string]map[int]int64) error {
	request := &kafka.OffsetCommitRequest{
		GroupID: gen.GroupID, GenerationID: int(gen.ID), MemberID: gen.MemberID,
		Topics: map[string][]kafka.OffsetCommit{},
	}
	for topic, partitions := range offsets {
		for partition, offset := range partitions {
			request.Topics[topic] = append(request.Topics[topic], kafka.OffsetCommit{Partition: partition, Offset: offset})
		}
	}
	response, err := c.api.OffsetCommit(ctx, request)
	if err != nil {
		return err
	}
	var errs []error
	for _, partitions := range response.Topics {
		for _, p := range partitions {
			errs = append(errs, p.Error)
		}
	}
	return errors.Join(errs...)
}

func (c *client) close() {
	c.transport.CloseIdleConnections()
	c.network.sever()
}
