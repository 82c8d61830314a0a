package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// prepare finds out where to begin in every partition. It tries until that is
// known or ctx ends.
func (g *generation) prepare(ctx context.Context) bool {
	for {
		err := g.findStart(ctx)
		if err == nil {
			g.source.receiving()
			close(g.ready)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		g.source.report(fmt.Errorf("find the offsets of group %s: %w", g.group, g.source.client.Explain(err)))
		if !backoff.Wait(ctx, retryPause) {
			return false
		}
	}
}

// awaitReady reports false if ctx ends first.
func (g *generation) awaitReady(ctx context.Context) bool {
	select {
	case <-g.ready:
		return true
	case <-ctx.Done():
		return false
	}
}

func (g *generation) findStart(ctx context.Context) error {
	topics, err := g.source.client.SourceTopics(ctx)
	if err != nil {
		return err
	}
	places := make([]client.Place, len(g.partitions))
	for i, p := range g.partitions {
		places[i] = p.place()
	}
	committed := map[client.Place]client.Committed{}
	if len(places) > 0 {
		if committed, err = g.source.client.CommittedOffsets(ctx, places); err != nil {
			return err
		}
	}
	g.topics = topics
	recreated := g.source.noteTopics(topics)
	var none []string
	for _, p := range g.partitions {
		p.current = topics[p.topic]
		var known bool
		if p.start, known = g.startOf(p, committed[p.place()], recreated); !known {
			none = append(none, p.name())
		}
	}
	if len(none) > 0 {
		start := g.source.client.Config.Start
		g.source.log.Warn("kafka group has no committed offsets: it is new, or they have expired (offsets.retention.minutes)",
			"group", g.group, "partitions", none, "start", start, "effect", startEffect(start))
	}
	return nil
}

// startEffect says what becomes of messages when the group has no offsets.
func startEffect(start string) string {
	if start == client.StartLatest {
		return "messages published before now are not read"
	}
	return "all messages that are there are read, also those that were read before"
}

// startOf says where to begin in a partition, and whether the group knows that.
func (g *generation) startOf(p *partition, committed client.Committed, recreated []string) (client.Committed, bool) {
	begin := client.Committed{Offset: int64(client.Start), Epoch: -1}
	other := committed.Topic != (client.TopicID{}) && p.current.ID != (client.TopicID{}) && committed.Topic != p.current.ID
	switch {
	case slices.Contains(recreated, p.topic):
		return begin, true
	case committed.Offset >= 0 && other:
		p.log().Error("kafka topic was deleted and created again: reading from the earliest message", "from", committed.Offset)
		return begin, true
	case committed.Offset >= 0:
		return committed, true
	case g.source.client.Config.Start == client.StartLatest:
		begin.Offset = int64(client.End)
	}
	return begin, false
}

// noteTopics keeps the ids of the topics, and returns those whose id has changed
// since the last call. It is called by one generation at a time.
func (s *Source) noteTopics(topics map[string]client.Topic) (recreated []string) {
	for name, topic := range topics {
		if id, known := s.topicIDs[name]; known && id != topic.ID {
			s.log.Error("kafka topic was deleted and created again: reading from the earliest message", "topic", name)
			recreated = append(recreated, name)
		}
		s.topicIDs[name] = topic.ID
	}
	return recreated
}

// fenced reports that the group will never again take a commit of this generation.
func fenced(err error) bool {
	return errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.UnknownMemberId) ||
		errors.Is(err, kafka.RebalanceInProgress)
}
