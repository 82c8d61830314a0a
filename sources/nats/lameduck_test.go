package nats_test

import (
	"fmt"
	"testing"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// An operator takes a server out of service: its clients are told, sent away,
// and find it again when it is back.
func TestLameDuck(t *testing.T) {
	b := startServer(t, `lame_duck_grace_period: "100ms"`)
	book := b.keepLogs()
	b.createStream(t)
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: patience, MaxDeliver: -1})
	b.publish(t, 0, 2)
	src := b.use(t, b.config())
	held := receive(t, src, 2)
	b.lameDuck(t)
	eventually(t, "the log tells", func() bool { return book.count("about to stop") == 1 && book.count("lost the broker") == 1 })
	ack(t, held[0])
	b.start(t)
	b.publish(t, 2, 3)
	got := receive(t, src, 1)
	if got[0].Envelope.ID != "2" {
		t.Errorf("received %s, which is still held", got[0].Envelope.ID)
	}
	ack(t, held[1], got[0])
	b.settles(t, 3)
}

// A stream that is deleted and made anew begins with the same numbers. Its
// messages are others, and what was held of the old one cannot harm them.
func TestStreamDeleted(t *testing.T) {
	b := newBroker(t)
	b.publish(t, 0, 2)
	src := b.use(t, b.config())
	old := receive(t, src, 2)
	must(t, b.js.DeleteStream(t.Context(), stream))
	fails(t, src, `stream "NOTIFY" does not exist`)
	b.createStream(t)
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1})
	b.publish(t, 2, 4)
	got := receive(t, src, 2)
	if got[0].Envelope.ID != "2" || got[1].Envelope.ID != "3" || got[0].Identity() == old[0].Identity() {
		t.Errorf("received %s and %s", got[0].Envelope.ID, got[1].Envelope.ID)
	}
	ack(t, got...)
	b.settles(t, 2)
}

// permissions are the least that docs/sources.md names. Those of init are not
// among them.
const permissions = `{
	publish: ["$JS.API.CONSUMER.INFO.NOTIFY.xmpp-notifier", "$JS.API.CONSUMER.MSG.NEXT.NOTIFY.xmpp-notifier", "$JS.ACK.NOTIFY.xmpp-notifier.>", "dlq.NOTIFY.>"],
	subscribe: ["_INBOX_worker.>"]
}`

// The permissions that the documentation names are enough to work.
func TestLeastPermissions(t *testing.T) {
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

// Missing permissions are told with their name.
func TestMissingPermissions(t *testing.T) {
	b := connect(t, newServer(t, `authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: { publish: ["$JS.API.CONSUMER.INFO.>"], subscribe: ["_INBOX.>"] } } ] }`), client.UserInfo("a", "a"))
	b.createStream(t)
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1})
	cfg := b.config()
	cfg.User, cfg.Password = "w", secret("w")
	fails(t, b.use(t, cfg), "may the user publish to $JS.API.CONSUMER.MSG.NEXT.>")
}
