package nats_test

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
)

// The broker restarts while a source holds deliveries and waits for more. It
// goes on by itself, and what was acknowledged meanwhile stays acknowledged.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	book := b.keepLogs()
	b.createStream(t)
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: patience, MaxDeliver: -1})
	b.publish(t, 0, 3)
	src := b.use(t, b.config())
	held := receive(t, src, 3)
	ack(t, held[0])
	b.settles(t, 1)

	next := background(t, src)
	b.stop(t)
	eventually(t, "the source notices", func() bool { return book.count("lost the broker") == 1 })
	ack(t, held[1]) // kept by the client until the broker is back
	b.start(t)
	b.publish(t, 3, 4)
	batch := <-next // fails by the test timeout if the source is stuck
	if len(batch) != 1 || batch[0].Envelope.ID != "3" {
		t.Fatalf("received %d deliveries, the first is %s; want 3 alone", len(batch), batch[0].Envelope.ID)
	}
	ack(t, batch[0], held[2])
	b.settles(t, 4)
}

// A message that the broker delivers again because it was away for too long
// is still held: it is not handed out twice, and its ack counts.
func TestRedeliveryOfHeldMessage(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.publish(t, 0, 1)
	src := b.use(t, b.config())
	d := receive(t, src, 1)[0]
	b.stop(t)
	<-time.After(2 * ackWait) // nothing to wait for: the lease runs out
	b.start(t)
	b.publish(t, 1, 2)
	if next := receive(t, src, 1)[0]; next.Envelope.ID != "1" {
		t.Errorf("received %s again, which is still held", next.Envelope.ID)
	} else {
		ack(t, next)
	}
	ack(t, d)
	b.settles(t, 2)
}

// Acknowledgements that are lost on the way are sent again over the next
// connection: not durable before, and their messages not handed out again.
func TestAckLostOnTheWay(t *testing.T) {
	t.Parallel()
	const n = 50
	b := newBroker(t)
	b.publish(t, 0, n)
	network := newProxy(t, b.addr())
	cfg := b.config()
	cfg.URLs = []string{network.url()}
	src := b.use(t, cfg)
	batch := receive(t, src, n)
	network.deaf.Store(true)
	var durable atomic.Int32
	for _, d := range batch {
		must(t, d.Ack(func() { durable.Add(1) }))
	}
	<-time.After(2 * ackWait) // the broker's patience ends
	if got := durable.Load(); got > 0 {
		t.Fatalf("%d acknowledgements are durable although none arrived", got)
	}
	network.cut()
	b.publish(t, n, n+1)
	if next := receive(t, src, 1)[0]; next.Envelope.ID != "50" {
		t.Errorf("received %s again after ack", next.Envelope.ID)
	} else {
		ack(t, next)
	}
	b.settles(t, n+1)
	eventually(t, "the acknowledgements are durable", func() bool { return durable.Load() == n })
}

// What is settled when the client can keep no more for the broker is neither lost
// nor held for ever: acknowledgements follow, and what was released comes again.
func TestSettlingWithAFullBuffer(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.publish(t, 0, 3)
	src := b.use(t, b.config())
	held := receive(t, src, 3)
	b.stop(t)
	eventually(t, "the source notices", func() bool { return !src.Status().Bound })
	must(t, src.Fill())
	var durable atomic.Bool
	must(t, held[0].Ack(func() { durable.Store(true) }))
	if err := held[1].Release(0); !errors.Is(err, client.ErrReconnectBufExceeded) {
		t.Fatalf("error %v of Release, want %v", err, client.ErrReconnectBufExceeded)
	}
	b.start(t)
	again := receive(t, src, 1)[0]
	if again.Envelope.ID != "1" {
		t.Errorf("received %s, want 1, which was released", again.Envelope.ID)
	}
	ack(t, again, held[2])
	b.settles(t, 3)
	eventually(t, "the acknowledgement is durable", durable.Load)
}

// Dead letters that cannot be written leave the acknowledgements their room.
func TestRejectingWithoutServer(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.publish(t, 0, 1)
	large := note(1)
	large.Body = append(large.Body, bytes.Repeat([]byte(" "), 900<<10)...)
	must(t, b.Publish(t.Context(), large))
	src := b.use(t, b.config())
	held := receive(t, src, 2)
	b.stop(t)
	eventually(t, "the source notices", func() bool { return !src.Status().Bound })
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := held[1].Reject(ctx, sources.Reason{Code: sources.ReasonRejected})
		cancel()
		if err == nil || !strings.Contains(err.Error(), "not connected") {
			t.Fatalf("error %v of Reject, want that it is not connected", err)
		}
	}
	must(t, held[0].Release(0)) // the client keeps it
	b.start(t)
	must(t, b.CreateDeadLetters(t.Context()))
	ack(t, receive(t, src, 1)...)
	reject(t, held[1])
	b.settles(t, 2)
}

// A source may be opened before there is a broker at all.
func TestOpenWithoutServer(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.publish(t, 0, 1)
	cfg := b.config()
	b.stop(t)
	src := b.use(t, cfg)
	fails(t, src, "nats:NOTIFY", "not connected")
	b.start(t)
	ack(t, receive(t, src, 1)...)
	b.settles(t, 1)
}

// Missing parts are named, with the cure, and picked up when they appear.
func TestMissingStreamAndConsumer(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	src := b.use(t, b.config())
	fails(t, src, `"NOTIFY"`, "NATS_STREAM")
	b.createStream(t)
	b.publish(t, 0, 1)
	fails(t, src, `"NOTIFY"`, `"xmpp-notifier"`, "NATS_CONSUMER", "NATS_CREATE")
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait})
	ack(t, receive(t, src, 1)...)
	b.settles(t, 1)
}

func TestCreateConsumer(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.createStream(t)
	b.publish(t, 0, 1)
	must(t, b.Publish(t.Context(), note(1), withKey(note(2), "other"), withKey(note(3), "more.text")))
	cfg := b.config()
	cfg.Create, cfg.Subjects = true, []string{"notify.test", "notify.more.>"}
	got := receive(t, b.use(t, cfg), 3)
	ack(t, got...)
	if got[2].Envelope.ID != "3" {
		t.Errorf("received %s, want 3: NATS_SUBJECTS does not filter", got[2].Envelope.ID)
	}
	info, err := b.info(t.Context())
	must(t, err)
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
	b.publish(t, 0, 1)
	ack(t, receive(t, src, 1)...)
	b.settles(t, 1)
	failed := make(chan error, 1)
	go func() {
		_, err := src.Receive(t.Context(), 10)
		failed <- err
	}()
	eventually(t, "a request waits at the consumer", func() bool {
		info, err := b.info(t.Context())
		return err == nil && info.NumWaiting > 0
	})
	must(t, b.js.DeleteConsumer(t.Context(), stream, durable))
	if err := <-failed; !errors.Is(err, jetstream.ErrConsumerDeleted) {
		t.Errorf("error %v, want %v", err, jetstream.ErrConsumerDeleted)
	}
	fails(t, src, "NATS_CONSUMER")
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1, DeliverPolicy: jetstream.DeliverNewPolicy})
	b.publish(t, 1, 2)
	ack(t, receive(t, src, 1)...)
}

// The consumer is replaced while nobody looks.
func TestConsumerGoneBetweenCalls(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src := b.use(t, b.config())
	b.publish(t, 0, 1)
	ack(t, receive(t, src, 1)...)
	b.settles(t, 1)
	must(t, b.js.DeleteConsumer(t.Context(), stream, durable))
	_, err := src.Receive(t.Context(), 1)
	if !errors.Is(err, client.ErrNoResponders) {
		t.Errorf("error %v, want %v", err, client.ErrNoResponders)
	}
	fails(t, src, "NATS_CONSUMER")
}

// Settings that defeat the promises are told once.
func TestWarning(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	book := b.keepLogs()
	b.createStream(t)
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckAllPolicy, MaxDeliver: 3})
	b.publish(t, 0, 1)
	src := b.use(t, b.config())
	ack(t, receive(t, src, 1)...)
	for _, words := range []string{"ack_policy is AckAll", "max_deliver is 3"} {
		if n := book.count(words); n != 1 {
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
	if _, err := first.Receive(ctx, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v, want %v", err, context.DeadlineExceeded)
	}
	first.Stop()
	b.publish(t, 0, 5)
	second := b.use(t, b.config())
	ack(t, receive(t, second, 5)...)
	b.settles(t, 5)
}
