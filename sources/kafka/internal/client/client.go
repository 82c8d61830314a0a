// Package client is the way into a Kafka cluster: the settings, the secured
// connections, the questions to ask, and what to do about the answers. It reads
// no messages.
package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

const (
	clientID = "xmpp-notifier"
	// RequestTimeout bounds one request.
	RequestTimeout = 10 * time.Second
	// metadataTTL is how old the transport's picture of the cluster may be,
	// and also how long it waits for a new one.
	metadataTTL = 5 * time.Second
	// idleTimeout is when an unused connection is closed. The transport also
	// remembers for that long what it was closed with, so it is not the usual 30 s.
	idleTimeout = 10 * time.Second
)

// Client talks to one cluster.
type Client struct {
	// Config is what the operator has set.
	Config Config
	// Network has the connections of API and Transport.
	Network *Network
	// Transport routes requests to brokers.
	Transport *kafka.Transport
	// API makes requests by Transport.
	API *kafka.Client

	tls       *tls.Config
	mechanism sasl.Mechanism
}

// New prepares a client. It connects when it is used. The error is about cfg
// alone.
func New(cfg Config) (*Client, error) {
	if err := errors.Join(cfg.Validate()...); err != nil {
		return nil, err
	}
	tlsConfig, err := newTLS(cfg)
	if err != nil {
		return nil, err
	}
	mechanism, err := newMechanism(cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{Config: cfg, tls: tlsConfig, mechanism: mechanism}
	c.Network = c.NewNetwork()
	c.Transport = &kafka.Transport{
		Dial: c.Network.Dial, DialTimeout: dialTimeout, ClientID: clientID, SASL: mechanism,
		MetadataTTL: metadataTTL, MetadataTopics: c.topics(), IdleTimeout: idleTimeout,
	}
	c.API = &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: RequestTimeout, Transport: c.Transport}
	return c, nil
}

// topics are those of notifications and of dead letters.
func (c *Client) topics() []string {
	var topics []string
	for _, topic := range c.Config.Topics {
		topics = append(topics, topic, c.Config.DeadLetterTopic(topic))
	}
	return topics
}

// Dialer opens single connections that n knows.
func (c *Client) Dialer(n *Network) *kafka.Dialer {
	return &kafka.Dialer{ClientID: clientID, Timeout: dialTimeout, DialFunc: n.Dial, SASLMechanism: c.mechanism}
}

// DialLeader connects to the leader of a partition, which any broker knows. Each
// has its time: one that is silent must not use up that of the others.
func (c *Client) DialLeader(ctx context.Context, n *Network, topic string, partition int) (conn *kafka.Conn, err error) {
	dialer := c.Dialer(n)
	dialer.DialFunc = n.DialBuffered
	for _, broker := range c.Config.Brokers {
		limited, cancel := context.WithTimeout(ctx, RequestTimeout)
		conn, err = dialer.DialLeader(limited, "tcp", broker, topic, partition)
		cancel()
		if err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// NewWriter sends every message by itself, so that one that is too large does
// not take others with it, and lets the broker judge the size. Messages are
// compressed because their originals may have been: uncompressed they might
// exceed a limit that the originals kept.
func (c *Client) NewWriter(balancer kafka.Balancer) *kafka.Writer {
	return &kafka.Writer{
		Addr: c.API.Addr, Transport: c.Transport, Balancer: balancer,
		RequiredAcks: kafka.RequireAll, MaxAttempts: 3, BatchSize: 1, BatchBytes: 1 << 30,
		BatchTimeout: time.Millisecond, WriteTimeout: RequestTimeout, Compression: kafka.Gzip,
	}
}

// Metadata describes topics, by name. It creates none.
func (c *Client) Metadata(ctx context.Context, topics ...string) (map[string]kafka.Topic, error) {
	response, err := c.API.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, c.Unreachable(err)
	}
	found := make(map[string]kafka.Topic, len(response.Topics))
	for _, t := range response.Topics {
		found[t.Name] = t
	}
	return found, nil
}

// Partitions counts the partitions of the topics of notifications.
func (c *Client) Partitions(ctx context.Context) (map[string]int, error) {
	topics, err := c.Metadata(ctx, c.Config.Topics...)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int, len(topics))
	var errs []error
	for _, name := range c.Config.Topics {
		topic := topics[name]
		counts[name] = len(topic.Partitions)
		if topic.Error != nil {
			errs = append(errs, c.ExplainTopic(topic))
		}
	}
	return counts, errors.Join(errs...)
}

// Bounds returns the offsets of the first message and behind the last one, of
// every partition of a topic in order.
func (c *Client) Bounds(ctx context.Context, topic kafka.Topic) ([]kafka.PartitionOffsets, error) {
	var requests []kafka.OffsetRequest
	for _, p := range topic.Partitions {
		requests = append(requests, kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
	}
	bounds, err := c.offsets(ctx, topic.Name, requests...)
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of topic %s: %w", topic.Name, c.Explain(err))
	}
	slices.SortFunc(bounds, func(a, b kafka.PartitionOffsets) int { return a.Partition - b.Partition })
	return bounds, nil
}

// End returns the offset behind the last message of the partition.
func (c *Client) End(ctx context.Context, topic string, partition int) (int64, error) {
	ends, err := c.offsets(ctx, topic, kafka.LastOffsetOf(partition))
	if err == nil && len(ends) == 0 {
		err = kafka.UnknownTopicOrPartition
	}
	if err != nil {
		return 0, err
	}
	return ends[0].LastOffset, nil
}

func (c *Client) offsets(ctx context.Context, topic string, requests ...kafka.OffsetRequest) ([]kafka.PartitionOffsets, error) {
	response, err := c.API.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}})
	if err != nil {
		return nil, err
	}
	offsets := response.Topics[topic]
	for _, p := range offsets {
		err = errors.Join(err, p.Error)
	}
	return offsets, err
}

// Close closes all connections.
func (c *Client) Close() {
	c.Transport.CloseIdleConnections()
	c.Network.Close()
}

// Pause waits, and reports false if ctx ended meanwhile.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
