package e2e_test

import (
	"context"
	"errors"
	"maps"
	"testing"
)

// both is two brokers at once: the first lane is in JetStream, the others are
// in Kafka.
type both struct{ jetstream, kafka broker }

func bothBrokers(jetstream, kafka func(*testing.T) broker) func(*testing.T) broker {
	return func(t *testing.T) broker { t.Helper(); return &both{jetstream(t), kafka(t)} }
}

// runBoth has one worker, and then several, read two sources at once.
func (b bench) runBoth(t *testing.T) {
	t.Run("all arrive once, in order, and are acknowledged when shown", b.allArrive)
	t.Run("three workers share the load, and come and go", b.severalWorkers)
}

func (b *both) env() map[string]string {
	env := b.jetstream.env()
	maps.Copy(env, b.kafka.env())
	env["SOURCES"] = "nats,kafka"
	return env
}

func (b *both) publish(ctx context.Context, items []item) error {
	var first, others []item
	for _, it := range items {
		if it.lane == 0 {
			first = append(first, it)
		} else {
			others = append(others, it)
		}
	}
	return errors.Join(b.jetstream.publish(ctx, first), b.kafka.publish(ctx, others))
}

func (b *both) gathered(ctx context.Context, n int) (bool, error) { return b.kafka.gathered(ctx, n) }

func (b *both) acked(ctx context.Context) ([lanes]int, error) {
	first, err := b.jetstream.acked(ctx)
	floor, other := b.kafka.acked(ctx)
	floor[0] = first[0]
	return floor, errors.Join(err, other)
}

func (b *both) deadLetters(ctx context.Context, n int) ([]string, error) {
	return b.jetstream.deadLetters(ctx, n)
}

func (b *both) refuseDeadLetters(ctx context.Context, refuse bool) error {
	return errors.Join(b.jetstream.refuseDeadLetters(ctx, refuse), b.kafka.refuseDeadLetters(ctx, refuse))
}
