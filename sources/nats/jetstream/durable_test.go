package jetstream_test

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// follow opens a source on a server of the cluster that does not lead the
// consumer: what is sent there has a longer way.
func follow(t *testing.T, c *natstest.Cluster) *source.Source {
	t.Helper()
	settings := natstest.Settings(c.Follower(t))
	src, err := source.Open(settings, source.Config{Stream: natstest.Stream, Consumer: natstest.Durable, AckWait: sourcetest.Patience}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	natstest.Must(t, err)
	t.Cleanup(func() { _ = src.Close(t.Context()) })
	return src
}

// ackAll acknowledges all and waits until all are durable.
func ackAll(t *testing.T, list []*sources.Delivery) {
	t.Helper()
	done := make(chan struct{}, len(list))
	for _, d := range list {
		natstest.Must(t, d.Ack(func() { done <- struct{}{} }))
	}
	patience := time.After(sourcetest.Patience)
	for range list {
		select {
		case <-done:
		case <-patience:
			t.Fatal("acknowledgements do not become durable")
		}
	}
}

// An acknowledgement that is called durable is known to the consumer's leader at
// that moment, also if the worker is connected to another server of the cluster.
func TestDurableOnCluster(t *testing.T) {
	t.Parallel()
	c := natstest.NewCluster(t)
	const rounds, size = 20, 16
	c.Publish(t, 0, rounds*size)
	src := follow(t, c)
	for range rounds {
		ackAll(t, sourcetest.Next(t, src, size))
		if info := c.Info(t); info.NumAckPending > 0 {
			t.Fatalf("%d of %d acknowledgements that are called durable are still pending", info.NumAckPending, size)
		}
	}
}

// What is durable stays so when the consumer's leader dies, and what is not is
// sent again to the next one.
func TestDurableWhenTheLeaderDies(t *testing.T) {
	t.Parallel()
	c := natstest.NewCluster(t)
	const size = 16
	c.Publish(t, 0, 3*size)
	src := follow(t, c)
	var durable atomic.Int64
	first, second := sourcetest.Next(t, src, size), sourcetest.Next(t, src, size)
	ackAll(t, first)
	c.StepDown(t)
	for _, d := range second {
		natstest.Must(t, d.Ack(func() { durable.Add(1) }))
	}
	sourcetest.Eventually(t, "what was acknowledged while the leader moved is durable", func() bool { return durable.Load() == size })
	c.KillLeader(t)
	sourcetest.Eventually(t, "the next leader knows of all acknowledgements", func() bool {
		info := c.Info(t)
		return info.AckFloor.Stream == 2*size && info.NumAckPending == 0
	})
	ackAll(t, sourcetest.Next(t, src, size))
}
