package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// retryPause separates attempts to find the topics and to join the group.
const retryPause = 2 * time.Second

// run is a member of the group whenever that is possible, until ctx ends.
func (s *Source) run(ctx context.Context) {
	for ctx.Err() == nil {
		_, err := s.client.SourceTopics(ctx)
		if err == nil {
			err = s.checkGroup(ctx)
		}
		if err == nil {
			err = s.join(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.report(err)
			backoff.Wait(ctx, retryPause)
		}
	}
}

// checkGroup looks for members that are not workers. Whether the group can be joined
// otherwise, joining tells.
func (s *Source) checkGroup(ctx context.Context) error {
	_, err := s.client.Workers(ctx)
	if _, foreign := errors.AsType[*check.Fault](err); foreign {
		return err
	}
	return nil
}

// join is a member of the group until ctx ends or a topic disappears: with one
// topic missing, the library's members would get no partition at all, would
// not notice when it comes, and might create it by asking.
func (s *Source) join(ctx context.Context) error {
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
		if err = s.serve(gen); err != nil {
			return err
		}
	}
}

// serve works through one generation. The error says that a topic is gone.
func (s *Source) serve(gen *kafka.Generation) error {
	g := newGeneration(s, gen)
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
	for _, p := range g.partitions {
		start(p.fetch)
	}
	s.log.Info("kafka partitions assigned", "group", gen.GroupID, "generation", gen.ID, "partitions", g.names())
	running.Wait()
	s.over(g.unsaved)
	return g.gone
}

// newGroup prepares to join the consumer group. It offers no way to share partitions
// out but ours: so the group takes no member of another application, which would take
// partitions from the workers. The heartbeat is how soon a member hears of a
// rebalance, so it stays short however long the session is.
func (s *Source) newGroup() (*kafka.ConsumerGroup, error) {
	cfg := s.client.Config
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: cfg.GroupID, Brokers: cfg.Brokers, Topics: cfg.Topics, Dialer: s.client.Dialer(),
		GroupBalancers:    []kafka.GroupBalancer{s.balancer},
		SessionTimeout:    cfg.SessionTimeout,
		HeartbeatInterval: min(cfg.SessionTimeout/10, 2*time.Second),
		RebalanceTimeout:  3 * drainBudget(cfg.SessionTimeout),
		JoinGroupBackoff:  retryPause,
		Timeout:           client.RequestTimeout, // by default a heartbeat that takes 5 s ends the generation
	})
}
