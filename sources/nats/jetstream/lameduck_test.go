package jetstream_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// An operator takes a server out of service: its clients are told, sent away,
// and find it again when it is back.
func TestLameDuck(t *testing.T) {
	t.Parallel()
	b := startServer(t, `lame_duck_grace_period: "100ms"`)
	book := b.KeepLogs()
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: sourcetest.Patience, MaxDeliver: -1})
	b.PublishNotes(t, 0, 2)
	src := b.use(t, b.config())
	held := sourcetest.Next(t, src, 2)
	b.LameDuck(t)
	sourcetest.Eventually(t, "the log tells", func() bool {
		return book.Count("about to stop") == 1 && book.Count("disconnected from the broker, reconnecting") == 1
	})
	sourcetest.Ack(t, held[0])
	b.Up(t)
	b.PublishNotes(t, 2, 3)
	got := sourcetest.Next(t, src, 1)
	if got[0].Envelope.ID != "2" {
		t.Errorf("received %s, which is still held", got[0].Envelope.ID)
	}
	sourcetest.Ack(t, held[1], got[0])
	b.Settles(t, 3)
}

// A stream that is deleted and made anew begins with the same numbers. Its
// messages are others, and what was held of the old one cannot harm them.
func TestStreamDeleted(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	same := sourcetest.Record{Body: []byte(`{"message":"without an id"}`)}
	natstest.Must(t, b.Publish(t.Context(), same, same))
	src := b.use(t, b.config())
	old := sourcetest.Next(t, src, 2)
	natstest.Must(t, b.JS.DeleteStream(t.Context(), natstest.Stream))
	natstest.Fails(t, src, `stream "NOTIFY" does not exist`)
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: natstest.AckWait, MaxDeliver: -1})
	b.Back(t)
	natstest.Must(t, b.Publish(t.Context(), same, same))
	got := sourcetest.Next(t, src, 2)
	for i := range got {
		if got[i].Offset != old[i].Offset || got[i].Identity() == old[i].Identity() {
			t.Errorf("%s of the old stream is %s, of the new one %s", old[i].Place(), old[i].Identity(), got[i].Identity())
		}
	}
	sourcetest.Ack(t, got...)
	b.Settles(t, 2)
}

// What is acknowledged when the stream is another one does not acknowledge the new
// one's messages, which have the same numbers, and does not remain for ever.
func TestAcknowledgementsOfADeletedStream(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src := b.use(t, b.config())
	b.PublishNotes(t, 0, 3)
	old := sourcetest.Next(t, src, 3)
	natstest.Must(t, b.JS.DeleteStream(t.Context(), natstest.Stream))
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 10 * sourcetest.Patience, MaxDeliver: -1})
	b.PublishNotes(t, 3, 10)
	sourcetest.Eventually(t, "the source has seen the new consumer", func() bool { return src.Status().Lag == 7 })
	consumer, err := b.JS.Consumer(t.Context(), natstest.Stream, natstest.Durable)
	natstest.Must(t, err)
	batch, err := consumer.Fetch(3)
	natstest.Must(t, err)
	for range batch.Messages() { // another client has them, and has not acknowledged
	}
	ackAll(t, old)
	if info, err := b.Info(t.Context()); err != nil || info.NumAckPending != 3 {
		t.Errorf("%+v (%v): what was not acknowledged is", info, err)
	}
}
