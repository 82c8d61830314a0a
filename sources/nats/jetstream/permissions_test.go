package jetstream_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// The permissions that the documentation names are enough to work.
func TestLeastPermissions(t *testing.T) {
	t.Parallel()
	b := connect(t, natstest.NewServer(t, fmt.Sprintf("authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: %s } ] }", natstest.Permissions)), client.UserInfo("a", "a"))
	book := b.KeepLogs()
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: natstest.AckWait, MaxDeliver: -1})
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	b.PublishNotes(t, 0, 3)
	cfg := b.config()
	cfg.User, cfg.Password, cfg.InboxPrefix = "w", natstest.Secret("w"), "_INBOX_worker"
	src := b.use(t, cfg)
	got := sourcetest.Next(t, src, 3)
	natstest.Reject(t, got[0])
	sourcetest.Ack(t, got[1])
	natstest.Must(t, got[2].Release(0))
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.Settles(t, 3)
	natstest.Must(t, src.Close(t.Context()))
	if book.Count("permission") > 0 {
		t.Errorf("the log tells of missing permissions:\n%s", book)
	}
}

// With NATS_CREATE the worker needs one permission more.
func TestPermissionToCreate(t *testing.T) {
	t.Parallel()
	more := strings.Replace(natstest.Permissions, `publish: [`, `publish: ["$JS.API.CONSUMER.CREATE.NOTIFY.xmpp-notifier", `, 1)
	b := connect(t, natstest.NewServer(t, fmt.Sprintf("authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: %s } ] }", more)), client.UserInfo("a", "a"))
	b.CreateStream(t)
	b.PublishNotes(t, 0, 1)
	cfg := b.config()
	cfg.User, cfg.Password, cfg.InboxPrefix, cfg.Create = "w", natstest.Secret("w"), "_INBOX_worker", true
	sourcetest.Ack(t, sourcetest.Next(t, b.use(t, cfg), 1)...)
	b.Settles(t, 1)
}

// Missing permissions are told with their name.
func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	b := connect(t, natstest.NewServer(t, `authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: { publish: ["$JS.API.CONSUMER.INFO.>"], subscribe: ["_INBOX.>"] } } ] }`), client.UserInfo("a", "a"))
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: natstest.AckWait, MaxDeliver: -1})
	cfg := b.config()
	cfg.User, cfg.Password = "w", natstest.Secret("w")
	natstest.Fails(t, b.use(t, cfg), "may the user publish to $JS.API.CONSUMER.MSG.NEXT.>")
}

// A user that may not publish dead letters is told so: the server refuses them without
// an answer. What is not rejected goes on.
func TestMissingPermissionForDeadLetters(t *testing.T) {
	t.Parallel()
	permissions := strings.Replace(natstest.Permissions, `, "dlq.NOTIFY.>"`, "", 1)
	b := connect(t, natstest.NewServer(t, fmt.Sprintf("authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: %s } ] }", permissions)), client.UserInfo("a", "a"))
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: natstest.AckWait, MaxDeliver: -1})
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	b.PublishNotes(t, 0, 2)
	cfg := b.config()
	cfg.User, cfg.Password, cfg.InboxPrefix = "w", natstest.Secret("w"), "_INBOX_worker"
	got := sourcetest.Next(t, b.use(t, cfg), 2)
	sourcetest.Ack(t, got[0])
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := got[1].Reject(ctx, sources.Reason{Code: sources.ReasonRejected}); err == nil || !strings.Contains(err.Error(), "allow the user to publish to dlq.NOTIFY.>") {
		t.Errorf("error %v", err)
	}
	b.Settles(t, 1)
}
