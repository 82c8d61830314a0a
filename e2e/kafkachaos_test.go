//go:build real && chaos

package e2e_test

import (
	"context"
	"time"
)

const kafkaClusterKind = "Kafka cluster"

// faults are what may happen to the brokers of a cluster. They come back: at once,
// or when others have taken over.
func (c *kafkaCluster) faults(s *storm) []event {
	return []event{
		{"leader killed", func() {
			c.without(s, 0, func(ctx context.Context, b *kafkaBroker) error { return c.killLeader(ctx, b, s.rng.Int32N(lanes)) })
		}},
		{"leader away", func() {
			c.without(s, longAbsence, func(ctx context.Context, b *kafkaBroker) error { return c.killLeader(ctx, b, s.rng.Int32N(lanes)) })
		}},
		{"coordinator killed", func() { c.without(s, 0, c.killCoordinator) }},
		{"coordinator and worker killed", func() { s.kill(s.any()); c.without(s, longAbsence, c.killCoordinator); s.hire() }},
		{"leaders moved", func() {
			c.without(s, 0, func(ctx context.Context, b *kafkaBroker) error { return b.moveLeaders(ctx) })
		}},
		{"brokers restarted in turn", func() {
			for _, node := range c.Nodes {
				c.without(s, 0, func(ctx context.Context, _ *kafkaBroker) error { return node.Stop(ctx) })
			}
		}},
		{"all brokers killed", func() { s.stopBroker(true, 0) }},
	}
}

// without does something to the cluster, publishes meanwhile, and mends it.
func (c *kafkaCluster) without(s *storm, away time.Duration, do func(context.Context, *kafkaBroker) error) {
	s.Helper()
	b, _ := s.broker.(*kafkaBroker)
	if err := do(s.Context(), b); err != nil {
		s.Fatal(err)
	}
	s.burst(0)
	s.pass(away)
	s.server.start(s.T)
}
