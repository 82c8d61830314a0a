package client

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
)

// ByKey is for messages whose key decides the partition, as with Java's clients.
const ByKey = -1

// Write returns when all in-sync replicas have stored m, or with the error of this
// one message: the brokers judge its size. partition is where it belongs; if there is
// none of that number, its key decides.
func (c *Client) Write(ctx context.Context, m kafka.Message, partition int) error {
	partitions, err := c.partitions(ctx, m.Topic)
	if err != nil {
		return err
	}
	if !slices.Contains(partitions, partition) {
		partition = kafka.Murmur2Balancer{}.Balance(m, partitions...)
	}
	// The original of a dead letter may have been compressed, and uncompressed exceed a
	// limit that it kept. Compression makes some longer.
	err = c.produce(ctx, m, partition, kafka.Gzip)
	if errors.Is(err, kafka.MessageSizeTooLarge) {
		err = c.produce(ctx, m, partition, 0)
	}
	return err
}

// partitions of a topic, as the transport knows them.
func (c *Client) partitions(ctx context.Context, topic string) ([]int, error) {
	answer, err := c.API.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, t := range answer.Topics {
		if t.Error != nil {
			return nil, t.Error
		}
		for _, p := range t.Partitions {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil, kafka.UnknownTopicOrPartition
	}
	return ids, nil
}

// writeAttempts outlast the time that the transport takes to see that a partition has
// another leader.
const writeAttempts = 8

// produce tries again while the partition has no leader, or too few replicas: nothing was
// appended then.
func (c *Client) produce(ctx context.Context, m kafka.Message, partition int, codec kafka.Compression) error {
	pauses := backoff.Backoff{Min: 100 * time.Millisecond, Max: metadataTTL / 2}
	for attempt := 1; ; attempt++ {
		err := c.produceOnce(ctx, m, partition, codec)
		again := errors.Is(err, kafka.NotLeaderForPartition) || errors.Is(err, kafka.LeaderNotAvailable) || errors.Is(err, kafka.NotEnoughReplicas)
		if !again || attempt == writeAttempts || !backoff.Wait(ctx, pauses.Next()) {
			return err
		}
	}
}

func (c *Client) produceOnce(ctx context.Context, m kafka.Message, partition int, codec kafka.Compression) error {
	response, err := c.API.Produce(ctx, &kafka.ProduceRequest{
		Topic: m.Topic, Partition: partition, RequiredAcks: kafka.RequireAll, Compression: codec,
		Records: kafka.NewRecordReader(kafka.Record{
			Time: time.Now(), Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers,
		}),
	})
	if err != nil {
		return err
	}
	return response.Error
}
