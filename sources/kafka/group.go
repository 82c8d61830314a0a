package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// retryPause separates attempts to find the topics and to join the group.
const retryPause = 2 * time.Second

// run is a member of the group whenever that is possible, until ctx ends.
func (s *Source) run(ctx context.Context) {
	for ctx.Err() == nil {
		counts, err := s.client.Partitions(ctx)
		if err == nil {
			err = s.join(ctx, counts)
		}
		if err != nil && ctx.Err() == nil {
			s.report(err)
			client.Pause(ctx, retryPause)
		}
	}
}

// join is a member of the group until ctx ends or a topic disappears: with one
// topic missing, the library's members would get no partition at all, would
// not notice when it comes, and might create it by asking.
func (s *Source) join(ctx context.Context, counts map[string]int) error {
	group, err := s.newGroup()
	if err != nil {
		return fmt.Errorf("join group %s: %w", s.client.Config.GroupID, err)
	}
	ctx, leave := context.WithCancel(ctx)
	var leaving sync.WaitGroup
	leaving.Go(func() {
		<-ctx.Done()
		_ = group.Close() // waits for the generation to drain, then leaves
	})
	defer leaving.Wait()
	defer leave()
	for {
		gen, err := group.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed) {
			return nil
		}
		if errors.Is(err, kafka.RebalanceInProgress) {
			continue // another member joined meanwhile
		}
		if err != nil {
			s.report(fmt.Errorf("join group %s: %w", s.client.Config.GroupID, s.client.Explain(err)))
			continue // the library pauses before it tries again
		}
		if counts, err = s.serve(gen, counts); err != nil {
			return err
		}
	}
}

// serve works through one generation. It returns the partition counts that the
// next one starts from, or an error if a topic is gone.
func (s *Source) serve(gen *kafka.Generation, counts map[string]int) (map[string]int, error) {
	g := newGeneration(s, gen, counts)
	var running sync.WaitGroup
	start := func(work func(context.Context)) {
		running.Add(1)
		gen.Start(func(ctx context.Context) {
			defer running.Done()
			work(ctx)
		})
	}
	s.attach(g.partitions)
	start(g.commitLoop)
	start(g.watch)
	start(g.even)
	start(g.measure)
	for _, p := range g.partitions {
		start(p.fetch)
	}
	s.log.Info("kafka partitions assigned", "group", gen.GroupID, "generation", gen.ID, "partitions", g.names())
	running.Wait()
	s.over(g.unsaved)
	return g.counts, g.gone
}

// newGroup prepares to join the consumer group. The heartbeat is how soon a
// member hears of a rebalance, so it stays short however long the session is.
func (s *Source) newGroup() (*kafka.ConsumerGroup, error) {
	cfg, start := s.client.Config, kafka.FirstOffset
	if cfg.Start == client.StartLatest {
		start = kafka.LastOffset
	}
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: cfg.GroupID, Brokers: cfg.Brokers, Topics: cfg.Topics,
		Dialer: s.client.Dialer(s.client.Network), StartOffset: start,
		GroupBalancers:    []kafka.GroupBalancer{s.balancer, kafka.RoundRobinGroupBalancer{}, kafka.RangeGroupBalancer{}},
		SessionTimeout:    cfg.SessionTimeout,
		HeartbeatInterval: min(cfg.SessionTimeout/10, 2*time.Second),
		RebalanceTimeout:  3 * drainBudget(cfg.SessionTimeout),
		JoinGroupBackoff:  retryPause,
	})
}

// commitElsewhere stores offsets for a member on a connection other than the group's.
func (s *Source) commitElsewhere(ctx context.Context, gen *kafka.Generation, offsets map[string]map[int]int64) error {
	request := &kafka.OffsetCommitRequest{
		GroupID: gen.GroupID, GenerationID: int(gen.ID), MemberID: gen.MemberID,
		Topics: map[string][]kafka.OffsetCommit{},
	}
	for topic, partitions := range offsets {
		for partition, offset := range partitions {
			request.Topics[topic] = append(request.Topics[topic], kafka.OffsetCommit{Partition: partition, Offset: offset})
		}
	}
	response, err := s.client.API.OffsetCommit(ctx, request)
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
