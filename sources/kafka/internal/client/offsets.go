package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int
}

// Committed is how far a group has come in a partition.
type Committed struct {
	Offset int64 // of the next message; negative if nothing is committed
	// Topic is the id of the topic that the offset is of, and Epoch that of the
	// leader that appended the message before, if whoever committed it has noted
	// that. Else the id is zero and the epoch negative.
	Topic TopicID
	Epoch int32
}

// Member is a member of a generation of the group, for which offsets are committed.
type Member struct {
	Generation int32
	ID         string
}

// metadata is what we note beside an offset.
func (c Committed) metadata() string { return fmt.Sprintf("topic-id=%s epoch=%d", c.Topic, c.Epoch) }

// parseMetadata leaves out what is not ours.
func (c *Committed) parseMetadata(metadata string) {
	var id string
	c.Epoch = -1
	if n, _ := fmt.Sscanf(metadata, "topic-id=%s epoch=%d", &id, &c.Epoch); n != 2 {
		c.Epoch = -1
		return
	}
	if raw, err := base64.RawURLEncoding.DecodeString(id); err == nil && len(raw) == len(c.Topic) {
		c.Topic = TopicID(raw)
	}
}

// Commit stores offsets for a member.
func (c *Client) Commit(ctx context.Context, member Member, offsets map[Place]Committed) error {
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.Generation, request.MemberID = c.Config.GroupID, member.Generation, member.ID
	topics := map[string][]kmsg.OffsetCommitRequestTopicPartition{}
	for place, committed := range offsets {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = int32(place.Partition), committed.Offset //nolint:gosec // a partition
		p.Metadata = new(committed.metadata())
		topics[place.Topic] = append(topics[place.Topic], p)
	}
	for topic, partitions := range topics {
		request.Topics = append(request.Topics, kmsg.OffsetCommitRequestTopic{Topic: topic, Partitions: partitions})
	}
	response, err := c.requestGroup(ctx, commitVersion, request)
	if err != nil {
		return c.noteGroup(err)
	}
	var errs []error
	for _, t := range response.(*kmsg.OffsetCommitResponse).Topics {
		for _, p := range t.Partitions {
			errs = append(errs, codeError(p.ErrorCode))
		}
	}
	return c.noteGroup(errors.Join(errs...))
}

// CommittedOffsets asks how far the group has come.
func (c *Client) CommittedOffsets(ctx context.Context, places []Place) (map[Place]Committed, error) {
	request := &kafka.OffsetFetchRequest{GroupID: c.Config.GroupID, Topics: map[string][]int{}}
	for _, p := range places {
		request.Topics[p.Topic] = append(request.Topics[p.Topic], p.Partition)
	}
	response, err := c.API.OffsetFetch(ctx, request)
	if err == nil {
		err = response.Error
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of group %s: %w", c.Config.GroupID, err)
	}
	found := map[Place]Committed{}
	for topic, partitions := range response.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return nil, fmt.Errorf("ask for the offsets of group %s in %s[%d]: %w", c.Config.GroupID, topic, p.Partition, p.Error)
			}
			one := Committed{Offset: p.CommittedOffset}
			one.parseMetadata(p.Metadata)
			found[Place{topic, p.Partition}] = one
		}
	}
	return found, nil
}
