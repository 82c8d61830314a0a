// Package client is the way into a Kafka cluster: the settings, the secured
// connections, the questions to ask, and what to do about the answers. It reads
// no messages.
package client

import (
	"errors"
	"sync/atomic"
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

	mechanism   sasl.Mechanism
	coordinator atomic.Int32 // of the group; AnyBroker if it is not known
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
	c := &Client{Config: cfg, Network: newNetwork(tlsConfig, cfg.Dial), mechanism: mechanism}
	c.coordinator.Store(AnyBroker)
	c.Transport = &kafka.Transport{
		Dial: c.Network.Dial, DialTimeout: dialTimeout, ClientID: clientID, SASL: mechanism,
		MetadataTTL: metadataTTL, MetadataTopics: c.topics(), IdleTimeout: idleTimeout,
	}
	c.API = &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: RequestTimeout, Transport: retrying{c.Transport}}
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

// Dialer opens the connections of a group.
func (c *Client) Dialer() *kafka.Dialer {
	return &kafka.Dialer{ClientID: clientID, Timeout: dialTimeout, DialFunc: c.Network.Dial, SASLMechanism: c.mechanism}
}

// Close closes all connections.
func (c *Client) Close() {
	c.Transport.CloseIdleConnections()
	c.Network.Close()
}
