//go:build real

package main

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestReplayReal works with the dead letters of real brokers.
func TestReplayReal(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // the first start fetches them
	defer cancel()
	t.Run("nats", func(t *testing.T) {
		srv, err := testbed.NATS(ctx, testbed.Options{Dir: t.TempDir()})
		started(t, srv, err)
		testReplay(t, "nats", natsWithTopic(t, srv.URL))
	})
	t.Run("kafka", func(t *testing.T) {
		srv, err := testbed.Kafka(ctx, testbed.Options{Dir: t.TempDir()})
		started(t, srv, err)
		testReplay(t, "kafka", kafkaWithTopic(t, srv.Addr))
	})
}

// started ends the test if the server is missing, and the server with the test.
func started(t *testing.T, server interface{ Stop(context.Context) error }, err error) {
	t.Helper()
	if missing, ok := errors.AsType[*testbed.Missing](err); ok && os.Getenv("CI") != "true" {
		t.Skip("not run, because ", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
}
