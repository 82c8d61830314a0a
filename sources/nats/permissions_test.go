package nats_test

import (
	"fmt"
	"strings"
	"testing"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// permissions are the least that docs/sources.md names. Those of init are not
// among them.
const permissions = `{
	publish: ["$JS.API.CONSUMER.INFO.NOTIFY.xmpp-notifier", "$JS.API.CONSUMER.MSG.NEXT.NOTIFY.xmpp-notifier", "$JS.ACK.NOTIFY.xmpp-notifier.>", "dlq.NOTIFY.>"],
	subscribe: ["_INBOX_worker.>"]
}`

// The permissions that the documentation names are enough to work.
func TestLeastPermissions(t *testing.T) {
	t.Parallel()
	b := connect(t, newServer(t, fmt.Sprintf("authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: %s } ] }", permissions)), client.UserInfo("a", "a"))
	book := b.keepLogs()
	b.createStream(t)
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1})
	must(t, b.CreateDeadLetters(t.Context()))
	b.publish(t, 0, 3)
	cfg := b.config()
	cfg.User, cfg.Password, cfg.InboxPrefix = "w", secret("w"), "_INBOX_worker"
	src := b.use(t, cfg)
	got := receive(t, src, 3)
	reject(t, got[0])
	ack(t, got[1])
	must(t, got[2].Release(0))
	ack(t, receive(t, src, 1)...)
	b.settles(t, 3)
	must(t, src.Close(t.Context()))
	if book.count("permission") > 0 {
		t.Errorf("the log tells of missing permissions:\n%s", book)
	}
}

// With NATS_CREATE the worker needs one permission more.
func TestPermissionToCreate(t *testing.T) {
	t.Parallel()
	more := strings.Replace(permissions, `publish: [`, `publish: ["$JS.API.CONSUMER.CREATE.NOTIFY.xmpp-notifier", `, 1)
	b := connect(t, newServer(t, fmt.Sprintf("authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: %s } ] }", more)), client.UserInfo("a", "a"))
	b.createStream(t)
	b.publish(t, 0, 1)
	cfg := b.config()
	cfg.User, cfg.Password, cfg.InboxPrefix, cfg.Create = "w", secret("w"), "_INBOX_worker", true
	ack(t, receive(t, b.use(t, cfg), 1)...)
	b.settles(t, 1)
}

// Missing permissions are told with their name.
func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	b := connect(t, newServer(t, `authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: { publish: ["$JS.API.CONSUMER.INFO.>"], subscribe: ["_INBOX.>"] } } ] }`), client.UserInfo("a", "a"))
	b.createStream(t)
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1})
	cfg := b.config()
	cfg.User, cfg.Password = "w", secret("w")
	fails(t, b.use(t, cfg), "may the user publish to $JS.API.CONSUMER.MSG.NEXT.>")
}
