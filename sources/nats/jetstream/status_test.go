package jetstream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// The status follows what happens to the broker, and tells the backlog.
func TestStatus(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 10)
	src := b.use(t, b.config())
	if s := src.Status(); s.Receiving {
		t.Errorf("before the first call: %+v", s)
	}
	sourcetest.Ack(t, sourcetest.Next(t, src, 3)...)
	sourcetest.Eventually(t, "the status tells what is left", func() bool { s := src.Status(); return s.Receiving && s.Problem == "" && s.Lag == 7 })
	b.Settles(t, 3)
	b.Down(t)
	sourcetest.Eventually(t, "the status tells that the broker is away", func() bool {
		s := src.Status()
		return !s.Receiving && strings.Contains(s.Problem, "not connected")
	})
	b.Up(t)
	sourcetest.Ack(t, sourcetest.Next(t, src, 7)...)
	sourcetest.Eventually(t, "all is well again", func() bool { s := src.Status(); return s.Receiving && s.Lag == 0 })
}

// While the worker asks for nothing, because the room is away, the lag grows with
// what is published.
func TestLagWhileNothingIsReceived(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	src := b.use(t, b.config())
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.PublishNotes(t, 1, 31)
	sourcetest.Eventually(t, "the status tells of what waits", func() bool { return src.Status().Lag == 30 })
}

// A consumer that somebody has paused is named, with what to do.
func TestPaused(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	book := b.KeepLogs()
	src := b.use(t, b.config())
	next := natstest.Background(t, src)
	_, err := b.JS.PauseConsumer(t.Context(), natstest.Stream, natstest.Durable, time.Now().Add(time.Hour))
	natstest.Must(t, err)
	b.PublishNotes(t, 0, 1)
	sourcetest.Eventually(t, "the status names it", func() bool {
		s := src.Status()
		return !s.Receiving && strings.Contains(s.Problem, "is paused until") && strings.Contains(s.Problem, "nats consumer resume NOTIFY xmpp-notifier") && s.Lag == 1
	})
	if n := book.Count("the consumer is paused"); n != 1 {
		t.Errorf("%d lines in the log, want one:\n%s", n, book)
	}
	_, err = b.JS.ResumeConsumer(t.Context(), natstest.Stream, natstest.Durable)
	natstest.Must(t, err)
	sourcetest.Ack(t, <-next...)
	sourcetest.Eventually(t, "the status is good again", func() bool { return src.Status().Receiving })
}

// What is purged before it was delivered is told, with its number.
func TestPurgedIsTold(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	book := b.KeepLogs()
	b.PublishNotes(t, 0, 2)
	src := b.use(t, b.config())
	sourcetest.Ack(t, sourcetest.Next(t, src, 2)...)
	sourcetest.Eventually(t, "the consumer was looked at", func() bool { return src.Status().Lag == 0 })
	b.PublishNotes(t, 2, 22)
	stream, err := b.JS.Stream(t.Context(), natstest.Stream)
	natstest.Must(t, err)
	natstest.Must(t, stream.Purge(t.Context()))
	b.PublishNotes(t, 22, 23)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	sourcetest.Eventually(t, "the log tells", func() bool {
		return book.Count("removed from the stream before they were delivered") == 1 && book.Count("count=20") == 1
	})
}

// With filters that cover the stream it is told as well, and without the right to
// look at the stream nothing is.
func TestPurgedWithFilters(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	book := b.KeepLogs()
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, FilterSubjects: []string{"notify.>"}})
	src := b.use(t, b.config())
	sourcetest.Eventually(t, "the consumer was looked at", func() bool { return src.Status().Lag == 0 })
	b.PublishNotes(t, 0, 5)
	stream, err := b.JS.Stream(t.Context(), natstest.Stream)
	natstest.Must(t, err)
	natstest.Must(t, stream.Purge(t.Context()))
	b.PublishNotes(t, 5, 6)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	sourcetest.Eventually(t, "the log tells", func() bool { return book.Count("count=5") == 1 })
}

// A mirror has gaps where what it mirrors has other messages. Nothing is missing there.
func TestGapsOfAMirrorAreNoLoss(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	book := b.KeepLogs()
	_, err := b.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORIGIN", Subjects: []string{"notify.>"}})
	natstest.Must(t, err)
	_, err = b.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: natstest.Stream, Mirror: &jetstream.StreamSource{Name: "ORIGIN", FilterSubject: "notify.test"}})
	natstest.Must(t, err)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1})
	src := b.use(t, b.config())
	sourcetest.Eventually(t, "the consumer was looked at", func() bool { return src.Status().Lag == 0 })
	for range 20 {
		_, err := b.JS.Publish(t.Context(), "notify.other", nil)
		natstest.Must(t, err)
	}
	b.PublishNotes(t, 0, 1)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.PublishNotes(t, 1, 2)
	sourcetest.Eventually(t, "the consumer was looked at again", func() bool { return src.Status().Lag == 1 })
	if book.Count("removed from the stream") > 0 {
		t.Errorf("the log tells of a loss:\n%s", book)
	}
}

// A consumer with which the source cannot work is named, with what to do.
func TestUnusableConsumer(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]jetstream.ConsumerConfig{
		"create the consumer anew with explicit":    {AckPolicy: jetstream.AckNonePolicy},
		"headers_only is on":                        {AckPolicy: jetstream.AckExplicitPolicy, HeadersOnly: true},
		"create a consumer without priority_groups": {AckPolicy: jetstream.AckExplicitPolicy, PriorityPolicy: jetstream.PriorityPolicyOverflow, PriorityGroups: []string{"g"}},
	} {
		b := startServer(t)
		b.CreateStream(t)
		cfg.Durable = natstest.Durable
		b.CreateConsumer(t, cfg)
		natstest.Fails(t, b.use(t, b.config()), want)
	}
}

// A consumer that loses the bodies while it is read is named. What it has delivered without
// them stays in the stream.
func TestConsumerWithoutBodies(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	cfg := jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy}
	b.CreateConsumer(t, cfg)
	src := b.use(t, b.config())
	b.PublishNotes(t, 0, 1)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	change := func(headersOnly bool) {
		cfg.HeadersOnly = headersOnly
		_, err := b.JS.UpdateConsumer(t.Context(), natstest.Stream, cfg)
		natstest.Must(t, err)
	}
	change(true)
	b.PublishNotes(t, 1, 2)
	natstest.Fails(t, src, "headers_only is on", "switch it off")
	change(false)
	sourcetest.Eventually(t, "the notification comes with its body", func() bool {
		got, err := src.Receive(t.Context(), sources.Limit{Messages: 1, Bytes: 1 << 20})
		return err == nil && len(got) == 1 && len(got[0].Body) > 0
	})
}

// On a work queue no two consumers read the same.
func TestWorkQueueConflict(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	_, err := b.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: natstest.Stream, Subjects: []string{"notify.>"}, Retention: jetstream.WorkQueuePolicy})
	natstest.Must(t, err)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckExplicitPolicy})
	cfg := b.config()
	cfg.Create = true
	natstest.Fails(t, b.use(t, cfg), "is a work queue", "NATS_CONSUMER")
}
