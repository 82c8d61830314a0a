package jetstream_test

import (
	"errors"
	"strings"
	"testing"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// The limits of an account are named with what to do, and when they are no longer
// reached, all goes on.
func TestLimitsOfTheAccount(t *testing.T) {
	t.Parallel()
	b := connect(t, natstest.NewServer(t, `accounts { A { jetstream { max_file: 100K, max_consumers: 1 }, users: [ { user: w, password: w } ] } }`), client.UserInfo("w", "w"))
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckExplicitPolicy})
	cfg := b.config()
	cfg.User, cfg.Password, cfg.Create = "w", natstest.Secret("w"), true
	src := b.use(t, cfg)
	natstest.Fails(t, src, "maximum consumers limit reached", "raise max_consumers")
	natstest.Must(t, b.JS.DeleteConsumer(t.Context(), natstest.Stream, "other"))

	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	_, err := b.JS.Publish(t.Context(), "notify.large", []byte(strings.Repeat("x", 60_000)))
	natstest.Must(t, err)
	var d *sources.Delivery
	sourcetest.Eventually(t, "it is received", func() bool {
		batch, err := src.Receive(t.Context(), sources.Limit{Messages: 1, Bytes: 1 << 20})
		if err == nil {
			d = batch[0]
		}
		return err == nil
	})
	reason := sources.Reason{Code: sources.ReasonRejected, Err: errors.New("no")}
	if err = d.Reject(t.Context(), reason); err == nil || !strings.Contains(err.Error(), "storage for JetStream") {
		t.Fatalf("error %v does not say what to do", err)
	}
	stream, err := b.JS.Stream(t.Context(), natstest.Stream)
	natstest.Must(t, err)
	natstest.Must(t, stream.Purge(t.Context()))
	sourcetest.Eventually(t, "there is room for the dead letter", func() bool { return d.Reject(t.Context(), reason) == nil })
	letters, err := b.DeadLetters(t.Context())
	if err != nil || len(letters) != 1 {
		t.Errorf("dead letters %v (%v)", letters, err)
	}
}
