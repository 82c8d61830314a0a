package kafka

import (
	"context"
	"errors"
	"fmt"

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
	var none []string
	for _, p := range g.partitions {
		p.current = topics[p.topic]
		var known bool
		if p.start, known = g.startOf(p, committed[p.place()]); !known {
			none = append(none, p.name())
		}
	}
	for name, topic := range topics {
		g.source.topicIDs[name] = topic.ID
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
func (g *generation) startOf(p *partition, committed client.Committed) (client.Committed, bool) {
	begin := client.Committed{Offset: int64(client.Start), Epoch: -1}
	other := func(id client.TopicID) bool {
		unknown := client.TopicID{}
		return id != unknown && p.current.ID != unknown && id != p.current.ID
	}
	switch {
	case other(g.source.topicIDs[p.topic]), committed.Offset >= 0 && other(committed.Topic):
		p.log().Error("kafka topic was deleted and created again: reading from the earliest message", "from", committed.Offset)
		return begin, true
	case committed.Offset >= 0:
		return committed, true
	case g.source.client.Config.Start == client.StartLatest:
		begin.Offset = int64(client.End)
	}
	return begin, false
}

// fenced reports that the group will never again take a commit of this generation.
func fenced(err error) bool {
	return errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.UnknownMemberId) ||
		errors.Is(err, kafka.RebalanceInProgress)
}
