package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The newest versions that are used.
const (
	metadataVersion    = 12 // topic ids since 10
	listOffsetsVersion = 7
	coordinatorVersion = 3 // one key; later ones take several
	commitVersion      = 9 // topics by name; later ones take ids
)

// TopicID tells a topic from another one of its name. It is zero on brokers before
// Kafka 2.8.
type TopicID [16]byte

// String is the id as Kafka's tools print it.
func (id TopicID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// Topic is a topic as its cluster describes it.
type Topic struct {
	Name    string
	ID      TopicID
	Leaders map[int]int32 // by partition; negative if there is none
	Err     error         // why it cannot be used
}

// Topics describes topics, by name, as a broker knows them now. It creates none.
func (c *Client) Topics(ctx context.Context, names ...string) (map[string]Topic, error) {
	request := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = new(name)
		request.Topics = append(request.Topics, topic)
	}
	response, err := c.Request(ctx, AnyBroker, metadataVersion, request)
	if err != nil {
		return nil, c.Unreachable(err)
	}
	topics := make(map[string]Topic, len(names))
	for _, name := range names {
		topics[name] = Topic{Name: name, Err: kafka.UnknownTopicOrPartition}
	}
	for _, t := range response.(*kmsg.MetadataResponse).Topics {
		if t.Topic == nil {
			continue
		}
		topic := Topic{Name: *t.Topic, ID: t.TopicID, Leaders: map[int]int32{}, Err: codeError(t.ErrorCode)}
		for _, p := range t.Partitions {
			topic.Leaders[int(p.Partition)] = p.Leader
		}
		topics[topic.Name] = topic
	}
	return topics, nil
}

// SourceTopics describes the topics of notifications. The error names those that
// cannot be read.
func (c *Client) SourceTopics(ctx context.Context) (map[string]Topic, error) {
	topics, err := c.Topics(ctx, c.Config.Topics...)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range c.Config.Topics {
		if t := topics[name]; t.Err != nil {
			errs = append(errs, c.ExplainTopic(name, t.Err))
		}
	}
	return topics, errors.Join(errs...)
}

// Position is a place in a partition that has no number yet, as ListOffsets knows
// it.
type Position int64

// The places.
const (
	Start Position = -2 // of the first record that there is
	End   Position = -1 // behind the last record that is not part of an open transaction
)

const readCommitted = 1

// Offset returns the number of a place.
func (c *Client) Offset(ctx context.Context, topic Topic, partition int, place Position) (int64, error) {
	leader, ok := topic.Leaders[partition]
	if !ok || leader < 0 {
		return 0, kafka.LeaderNotAvailable
	}
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = int32(partition), int64(place) //nolint:gosec // a partition
	request := kmsg.NewPtrListOffsetsRequest()
	request.IsolationLevel = readCommitted
	request.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic.Name, Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
	response, err := c.Request(ctx, leader, listOffsetsVersion, request)
	if err != nil {
		return 0, err
	}
	for _, t := range response.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range t.Partitions {
			if t.Topic == topic.Name && int(p.Partition) == partition {
				return p.Offset, codeError(p.ErrorCode)
			}
		}
	}
	return 0, fmt.Errorf("list offsets: %w", kafka.UnknownTopicOrPartition)
}

// requestGroup asks the broker that coordinates the group, which it finds if need be.
func (c *Client) requestGroup(ctx context.Context, newest int16, request kmsg.Request) (kmsg.Response, error) {
	if c.coordinator.Load() == AnyBroker {
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey = c.Config.GroupID
		response, err := c.Request(ctx, AnyBroker, coordinatorVersion, find)
		if err != nil {
			return nil, err
		}
		answer := response.(*kmsg.FindCoordinatorResponse)
		if err := codeError(answer.ErrorCode); err != nil {
			return nil, err
		}
		c.coordinator.Store(answer.NodeID)
	}
	return c.Request(ctx, c.coordinator.Load(), newest, request)
}

// noteGroup returns an error of the coordinator: after one it may be another broker.
func (c *Client) noteGroup(err error) error {
	if err != nil {
		c.coordinator.Store(AnyBroker)
	}
	return err
}
