package jetstream_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// The broker restarts while a source holds deliveries and waits for more. It
// goes on by itself, and what was acknowledged meanwhile stays acknowledged.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	book := b.KeepLogs()
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: sourcetest.Patience, MaxDeliver: -1})
	b.PublishNotes(t, 0, 3)
	src := b.use(t, b.config())
	held := sourcetest.Next(t, src, 3)
	sourcetest.Ack(t, held[0])
	b.Settles(t, 1)

	next := natstest.Background(t, src)
	b.Down(t)
	sourcetest.Eventually(t, "the source notices", func() bool { return book.Count("disconnected from the broker, reconnecting") == 1 })
	sourcetest.Ack(t, held[1]) // kept by the client until the broker is back
	b.Up(t)
	b.PublishNotes(t, 3, 4)
	batch := <-next // fails by the test timeout if the source is stuck
	if len(batch) != 1 || batch[0].Envelope.ID != "3" {
		t.Fatalf("received %d deliveries, the first is %s; want 3 alone", len(batch), batch[0].Envelope.ID)
	}
	sourcetest.Ack(t, batch[0], held[2])
	b.Settles(t, 4)
}

// A message that the broker delivers again because it was away for too long
// is still held: it is not delivered twice, and its ack counts.
func TestRedeliveryOfHeldMessage(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	src := b.use(t, b.config())
	d := sourcetest.Next(t, src, 1)[0]
	b.Down(t)
	select {
	case <-d.Lost(): // another worker may have it by now
	case <-time.After(sourcetest.Patience):
		t.Fatal("the lease has lapsed, and its holder is not told")
	}
	b.Up(t)
	b.PublishNotes(t, 1, 2)
	if next := sourcetest.Next(t, src, 1)[0]; next.Envelope.ID != "1" {
		t.Errorf("received %s again, which is still held", next.Envelope.ID)
	} else {
		sourcetest.Ack(t, next)
	}
	sourcetest.Ack(t, d)
	b.Settles(t, 2)
}

// Acknowledgements that are lost on the way are sent again over the next
// connection: not durable before, and their messages not delivered again.
func TestAckLostOnTheWay(t *testing.T) {
	t.Parallel()
	const n = 50
	b := newBroker(t)
	b.PublishNotes(t, 0, n)
	network := natstest.NewProxy(t, b.Addr())
	cfg := b.config()
	cfg.URLs = []string{network.URL()}
	src := b.use(t, cfg)
	batch := sourcetest.Next(t, src, n)
	network.Lossy.Store(true)
	var durable atomic.Int32
	for _, d := range batch {
		natstest.Must(t, d.Ack(func() { durable.Add(1) }))
	}
	<-time.After(2 * natstest.AckWait) // the broker's sourcetest.Patience ends
	if got := durable.Load(); got > 0 {
		t.Fatalf("%d acknowledgements are natstest.Durable although none arrived", got)
	}
	network.Cut()
	b.PublishNotes(t, n, n+1)
	if next := sourcetest.Next(t, src, 1)[0]; next.Envelope.ID != "50" {
		t.Errorf("received %s again after ack", next.Envelope.ID)
	} else {
		sourcetest.Ack(t, next)
	}
	b.Settles(t, n+1)
	sourcetest.Eventually(t, "the acknowledgements are natstest.Durable", func() bool { return durable.Load() == n })
}

// What is settled when the client can keep no more for the broker is neither lost
// nor held for ever: acknowledgements follow, and what was released comes again.
func TestSettlingWithAFullBuffer(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{ // the ack wait is longer than all this takes on a busy machine
		Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 4 * natstest.AckWait, MaxDeliver: -1,
	})
	b.PublishNotes(t, 0, 3)
	src := b.use(t, b.config())
	held := sourcetest.Next(t, src, 3)
	b.Down(t)
	sourcetest.Eventually(t, "the source notices", func() bool { return !src.Status().Receiving })
	natstest.Must(t, src.Fill())
	var durable atomic.Bool
	natstest.Must(t, held[0].Ack(func() { durable.Store(true) }))
	if err := held[1].Release(0); !errors.Is(err, client.ErrReconnectBufExceeded) {
		t.Fatalf("error %v of Release, want %v", err, client.ErrReconnectBufExceeded)
	}
	b.Up(t)
	again := sourcetest.Next(t, src, 1)[0]
	if again.Envelope.ID != "1" {
		t.Errorf("received %s, want 1, which was released", again.Envelope.ID)
	}
	sourcetest.Ack(t, again, held[2])
	b.Settles(t, 3)
	sourcetest.Eventually(t, "the acknowledgement is natstest.Durable", durable.Load)
}

// Dead letters that cannot be written leave the acknowledgements their room.
func TestRejectingWithoutServer(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	large := natstest.Note(1)
	large.Body = append(large.Body, bytes.Repeat([]byte(" "), 900<<10)...)
	natstest.Must(t, b.Publish(t.Context(), large))
	src := b.use(t, b.config())
	held := sourcetest.Next(t, src, 2)
	b.Down(t)
	sourcetest.Eventually(t, "the source notices", func() bool { return !src.Status().Receiving })
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := held[1].Reject(ctx, sources.Reason{Code: sources.ReasonRejected})
		cancel()
		if err == nil || !strings.Contains(err.Error(), "not connected") {
			t.Fatalf("error %v of Reject, want that it is not connected", err)
		}
	}
	natstest.Must(t, held[0].Release(0)) // the client keeps it
	b.Up(t)
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	natstest.Reject(t, held[1])
	b.Settles(t, 2)
}

// A source may be opened before there is a broker at all.
func TestOpenWithoutServer(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	cfg := b.config()
	b.Down(t)
	src := b.use(t, cfg)
	natstest.Fails(t, src, "nats:NOTIFY", "not connected")
	b.Up(t)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.Settles(t, 1)
}

// Missing parts are named, with the fix, and picked up when they appear.
func TestMissingStreamAndConsumer(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	src := b.use(t, b.config())
	natstest.Fails(t, src, `"NOTIFY"`, "NATS_STREAM")
	b.CreateStream(t)
	b.PublishNotes(t, 0, 1)
	natstest.Fails(t, src, `"NOTIFY"`, `"xmpp-notifier"`, "NATS_CONSUMER", "NATS_CREATE")
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: natstest.AckWait})
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.Settles(t, 1)
}

func TestCreateConsumer(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	b.PublishNotes(t, 0, 1)
	natstest.Must(t, b.Publish(t.Context(), natstest.Note(1), withKey(natstest.Note(2), "other"), withKey(natstest.Note(3), "more.text")))
	cfg := b.config()
	cfg.Create, cfg.Subjects = true, []string{"notify.test", "notify.more.>"}
	got := sourcetest.Next(t, b.use(t, cfg), 3)
	sourcetest.Ack(t, got...)
	if got[2].Envelope.ID != "3" {
		t.Errorf("received %s, want 3: NATS_SUBJECTS does not filter", got[2].Envelope.ID)
	}
	info, err := b.Info(t.Context())
	natstest.Must(t, err)
	if c := info.Config; c.MaxDeliver != -1 || c.AckPolicy != jetstream.AckExplicitPolicy || c.MaxAckPending != 10_000 || c.AckWait != cfg.AckWait {
		t.Errorf("created consumer has the settings %+v", c)
	}
}

// The consumer is deleted while a source waits: it says so, and goes on with
// the new one.
func TestConsumerDeleted(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src := b.use(t, b.config())
	b.PublishNotes(t, 0, 1)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.Settles(t, 1)
	failed := make(chan error, 1)
	go func() {
		_, err := sourcetest.Receive(t.Context(), src, 10)
		failed <- err
	}()
	sourcetest.Eventually(t, "a request waits at the consumer", func() bool {
		info, err := b.Info(t.Context())
		return err == nil && info.NumWaiting > 0
	})
	natstest.Must(t, b.JS.DeleteConsumer(t.Context(), natstest.Stream, natstest.Durable))
	if err := <-failed; !errors.Is(err, jetstream.ErrConsumerDeleted) {
		t.Errorf("error %v, want %v", err, jetstream.ErrConsumerDeleted)
	}
	natstest.Fails(t, src, "NATS_CONSUMER")
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: natstest.AckWait, MaxDeliver: -1, DeliverPolicy: jetstream.DeliverNewPolicy})
	b.PublishNotes(t, 1, 2)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
}

// The consumer is replaced while nobody looks.
func TestConsumerGoneBetweenCalls(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src := b.use(t, b.config())
	b.PublishNotes(t, 0, 1)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.Settles(t, 1)
	natstest.Must(t, b.JS.DeleteConsumer(t.Context(), natstest.Stream, natstest.Durable))
	_, err := sourcetest.Receive(t.Context(), src, 1)
	if !errors.Is(err, client.ErrNoResponders) {
		t.Errorf("error %v, want %v", err, client.ErrNoResponders)
	}
	natstest.Fails(t, src, "NATS_CONSUMER")
}

// Settings that defeat the promises are told once.
func TestWarning(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	book := b.KeepLogs()
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckAllPolicy, MaxDeliver: 3})
	b.PublishNotes(t, 0, 1)
	src := b.use(t, b.config())
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	for _, words := range []string{"ack_policy is AckAll", "max_deliver is 3"} {
		if n := book.Count(words); n != 1 {
			t.Errorf("%q is in the log %d times, want once", words, n)
		}
	}
}

// A source that stops with an open request releases what the request still
// brings.
func TestLateMessagesGoBack(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	first := b.use(t, b.config())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sourcetest.Receive(ctx, first, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v, want %v", err, context.DeadlineExceeded)
	}
	first.Stop()
	b.PublishNotes(t, 0, 5)
	second := b.use(t, b.config())
	sourcetest.Ack(t, sourcetest.Next(t, second, 5)...)
	b.Settles(t, 5)
}

// An in-progress ack that the broker has not confirmed is sent again before the ack
// wait is over, and if none is confirmed the lease is lost, whatever was sent: it may
// have gone to a leader of a cluster that leads no more.
func TestInProgressAcksAreConfirmed(t *testing.T) {
	t.Parallel()
	const ackWait = 3 * natstest.AckWait
	b := startServer(t)
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1})
	link := natstest.NewProxy(t, b.Addr())
	cfg := b.config()
	cfg.URLs = []string{link.URL()}
	b.PublishNotes(t, 0, 1)
	src := b.use(t, cfg)
	d := sourcetest.Next(t, src, 1)[0]
	select {
	case <-d.Lost():
		t.Fatal("it is lost while the broker confirms")
	case <-time.After(ackWait * 4 / 3):
	}
	link.Lossy.Store(true) // the connection is there, and what is sent is lost
	select {
	case <-d.Lost():
	case <-time.After(sourcetest.Patience):
		t.Fatal("it is held although the broker hears nothing")
	}
}
