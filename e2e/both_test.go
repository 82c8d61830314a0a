package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/segmentio/kafka-go"
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
	t.Run("a source that cannot write its dead letters holds up no other", b.independent)
}

// independent gives Kafka a dead letter on every partition that has no topic to go
// to, and then more notifications than may be unacknowledged. JetStream goes on.
func (b bench) independent(t *testing.T) {
	const n = 150
	tr := b.trial(t, b.room(t))
	for lane := 1; lane < lanes; lane++ {
		body := notification(key{lane, tr.number(lane)})
		tr.send([]item{{lane, body[:len(body)-1]}})
	}
	tr.publish(lanes * n)
	worker := startWorker(t, tr.env, map[string]string{"KAFKA_DLQ_SUFFIX": ".late"})
	until(t, "JetStream has its acknowledgements", func(ctx context.Context) (bool, error) {
		acked, err := tr.broker.acked(ctx)
		if acked[1]+acked[2] > 0 {
			t.Fatalf("Kafka acknowledged %v behind a dead letter that was not written", acked)
		}
		return acked[0] == n, errors.Join(err, fmt.Errorf("acknowledged %v of %d", acked, n))
	})
	brokers, _ := tr.broker.(*both)
	if late, ok := brokers.kafka.(*kafkaBroker); ok {
		late.create(t, kafka.TopicConfig{Topic: late.topic + ".late", NumPartitions: 1, ReplicationFactor: 1})
	}
	tr.acknowledged()
	worker.terminate()
	tr.allShown(lanes*n, 0)
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
