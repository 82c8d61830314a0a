package nats_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// An operator takes a server out of service: its clients are told, sent away,
// and find it again when it is back.
func TestLameDuck(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
