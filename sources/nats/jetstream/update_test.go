package jetstream_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// Somebody shortens the ack wait of the consumer while the source holds a message: its
// in-progress acks follow.
func TestAckWaitIsChanged(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	consumer := jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Hour, MaxDeliver: -1}
	b.CreateConsumer(t, consumer)
	b.PublishNotes(t, 0, 1)
	held := sourcetest.Next(t, b.use(t, b.config()), 1)
	acks, err := b.Conn.SubscribeSync("$JS.ACK.NOTIFY.xmpp-notifier.>")
	natstest.Must(t, err)
	consumer.AckWait = natstest.AckWait
	_, err = b.JS.UpdateConsumer(t.Context(), natstest.Stream, consumer)
	natstest.Must(t, err)
	for range 3 { // one may come because the source has just learnt of the hour
		m, err := acks.NextMsg(sourcetest.Patience)
		if err != nil || string(m.Data) != "+WPI" {
			t.Fatalf("the source does not extend the ack wait: %+v, %v", m, err)
		}
	}
	sourcetest.Ack(t, held...)
	b.Settles(t, 1)
}

// A stream with delete markers has one for every subject whose last message has
// expired. They are acknowledged, and nobody gets to see them.
func TestDeleteMarkersAreNoNotifications(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	_, err := b.JS.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: natstest.Stream, Subjects: []string{"notify.>"}, AllowMsgTTL: true, SubjectDeleteMarkerTTL: time.Minute,
	})
	natstest.Must(t, err)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: natstest.AckWait, MaxDeliver: -1})
	b.PublishNotes(t, 0, 1)
	src := b.use(t, b.config())
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.Settles(t, 1)
	stream, err := b.JS.Stream(t.Context(), natstest.Stream)
	natstest.Must(t, err)
	forever := stream.CachedInfo().Config
	expiring := forever
	expiring.MaxAge, expiring.Duplicates = time.Second, time.Second
	_, err = b.JS.UpdateStream(t.Context(), expiring)
	natstest.Must(t, err)
	next := natstest.Background(t, src)
	b.Settles(t, 2)
	_, err = b.JS.UpdateStream(t.Context(), forever)
	natstest.Must(t, err)
	natstest.Must(t, b.Publish(t.Context(), sourcetest.Record{Body: []byte(`{"id":"next","message":"behind the marker"}`)}))
	for _, d := range <-next {
		if len(d.Body) == 0 {
			t.Errorf("a marker is delivered: %v", d.Header)
		}
		sourcetest.Ack(t, d)
	}
}
