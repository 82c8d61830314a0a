package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Init looks whether the cluster has the topics that the source needs. With
// [sources.Create] it creates those for dead letters that are missing, with one
// partition and otherwise as the brokers' defaults are. Topics of notifications are never
// created: how many partitions they have is for their owner to say.
func Init(ctx context.Context, cfg Config, mode sources.Mode) (sources.Report, error) {
	var report sources.Report
	if err := errors.Join(cfg.Validate()...); err != nil {
		return report, err
	}
	c, err := newClient(cfg)
	if err != nil {
		return report, err
	}
	defer c.close()
	topics, err := c.topics(ctx)
	if err != nil {
		return report, err
	}
	for _, name := range cfg.Topics {
		if t := topics[name]; t.Error != nil {
			report.Flaws = append(report.Flaws, sources.Finding{What: c.explainTopic(t).Error()})
		} else {
			report.Done = append(report.Done, fmt.Sprintf("found topic %s with %d partitions", name, len(t.Partitions)))
		}
		if err := c.initLetters(ctx, topics[cfg.deadLetterTopic(name)], mode, &report); err != nil {
			return report, err
		}
	}
	report.Flaws = append(report.Flaws, c.groupFlaws(ctx)...)
	return report, nil
}

// topics describes what there is, by name. It creates none.
func (c *client) topics(ctx context.Context) (map[string]kafka.Topic, error) {
	response, err := c.api.Metadata(ctx, &kafka.MetadataRequest{Topics: c.knownTopics()})
	if err != nil {
		return nil, fmt.Errorf("ask brokers %s for topics: %w", c.config.brokerList(), c.explain(err))
	}
	topics := map[string]kafka.Topic{}
	for _, t := range response.Topics {
		topics[t.Name] = t
	}
	return topics, nil
}

// initLetters looks at one topic for dead letters.
func (c *client) initLetters(ctx context.Context, t kafka.Topic, mode sources.Mode, report *sources.Report) error {
	switch {
	case t.Error == nil:
		report.Done = append(report.Done, "found topic "+t.Name+" for dead letters")
	case errors.Is(t.Error, kafka.UnknownTopicOrPartition) && mode == sources.Create:
		response, err := c.api.CreateTopics(ctx, &kafka.CreateTopicsRequest{
			Topics: []kafka.TopicConfig{{Topic: t.Name, NumPartitions: 1, ReplicationFactor: -1}},
		})
		if err == nil {
			err = response.Errors[t.Name]
		}
		if err != nil {
			return fmt.Errorf("create topic %s for dead letters: %w", t.Name, err)
		}
		report.Done = append(report.Done, "created topic "+t.Name+" for dead letters")
	default:
		report.Flaws = append(report.Flaws, sources.Finding{
			What:        fmt.Sprintf("topic %s for dead letters: %v", t.Name, t.Error),
			Cure:        fmt.Sprintf("create it, run init --create, or correct KAFKA_DLQ_SUFFIX=%s; until then a notification that cannot be delivered blocks its partition", c.config.DLQSuffix),
			DeadLetters: true,
		})
	}
	return nil
}

// groupFlaws tells whether the group is ours to use. Whatever else comes of the
// question is for the source to find out: a fresh cluster has no coordinator yet.
func (c *client) groupFlaws(ctx context.Context) []sources.Finding {
	response, err := c.api.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: c.config.GroupID, Topics: map[string][]int{c.config.Topics[0]: {0}},
	})
	if err == nil {
		err = response.Error
	}
	if errors.Is(err, kafka.GroupAuthorizationFailed) {
		return []sources.Finding{{What: c.explain(err).Error()}}
	}
	return nil
}
