package jetstream_test

import (
	"context"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

func withKey(r sourcetest.Record, key string) sourcetest.Record {
	r.Key = []byte(key)
	return r
}

func TestMessageTellsItsPlace(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	r := withKey(natstest.Note(1), "payara.prod")
	r.Header = []envelope.Header{{Key: "b", Value: "3"}, {Key: "a", Value: "1"}, {Key: "a", Value: "2"}}
	natstest.Must(t, b.Publish(t.Context(), natstest.Note(0), r))
	src := b.use(t, b.config())
	d := sourcetest.Next(t, src, 2)[1]
	if d.Broker != "nats" || d.Topic != "notify.payara.prod" || d.Stream != natstest.Stream || d.Consumer != natstest.Durable || d.Offset != 2 {
		t.Errorf("message %+v", d.Message)
	}
	var headers []string
	for _, h := range d.Header {
		headers = append(headers, h.Key+h.Value)
	}
	if got := strings.Join(headers, " "); got != "a1 a2 b3" {
		t.Errorf("headers %q, want %q", got, "a1 a2 b3")
	}
}

// The count of deliveries is the broker's, so that it survives a crash.
func TestAttempt(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	src := b.use(t, b.config())
	for want := 1; want <= 4; want++ {
		d := sourcetest.Next(t, src, 1)[0]
		if d.Attempt != want {
			t.Errorf("attempt %d, want %d", d.Attempt, want)
		}
		natstest.Must(t, d.Release(0))
	}
}

func TestReleaseDelay(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	src := b.use(t, b.config())
	const delay = 300 * time.Millisecond
	start := time.Now()
	natstest.Must(t, sourcetest.Next(t, src, 1)[0].Release(delay))
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	if waited := time.Since(start); waited < delay {
		t.Errorf("came again after %v, want %v", waited, delay)
	}
}

// The broker allows one message out at a time: each still comes at once.
func TestMaxAckPending(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, AckWait: 4 * sourcetest.Patience})
	b.PublishNotes(t, 0, 20)
	src := b.use(t, b.config())
	start := time.Now()
	for range 20 {
		batch, err := sourcetest.Receive(t.Context(), src, 10)
		natstest.Must(t, err)
		sourcetest.Ack(t, batch...)
	}
	b.Settles(t, 20)
	if took := time.Since(start); took > sourcetest.Patience {
		t.Errorf("20 messages took %v", took)
	}
}

// Two sources and one message out at a time: waiting costs no busy loop.
func TestNoHotLoop(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, AckWait: natstest.AckWait})
	b.PublishNotes(t, 0, 5)
	holder := sourcetest.Next(t, b.use(t, b.config()), 1)
	for range 2 {
		natstest.Background(t, b.use(t, b.config()))
	}
	requests := make(chan struct{}, 1000)
	_, err := b.Conn.Subscribe("$JS.API.CONSUMER.MSG.NEXT.>", func(*client.Msg) {
		select {
		case requests <- struct{}{}:
		default:
		}
	})
	natstest.Must(t, err)
	sourcetest.Eventually(t, "the sources ask", func() bool { return len(requests) > 0 })
	before := len(requests)
	<-time.After(time.Second) // the time in which requests are counted
	if n := len(requests) - before; n > 20 {
		t.Errorf("%d requests in a second, want a few", n)
	}
	sourcetest.Ack(t, holder...)
}

// A message that looks like a word of the broker is a message.
func TestStatusHeaderOfPublisher(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	for _, status := range []string{"100", "404", "409", "503"} {
		natstest.Must(t, b.Publish(t.Context(), sourcetest.Record{Header: []envelope.Header{{Key: "Status", Value: status}}}))
	}
	b.PublishNotes(t, 4, 5)
	src := b.use(t, b.config())
	for _, d := range sourcetest.Next(t, src, 5) {
		if d.Malformed == nil {
			sourcetest.Ack(t, d)
			continue
		}
		natstest.Must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}))
	}
	b.Settles(t, 5)
}

func TestDeadLetter(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	r := sourcetest.Record{Body: []byte("{}"), Header: []envelope.Header{
		{Key: "Nats-Msg-Id", Value: "theirs"}, {Key: "Nats-Expected-Stream", Value: natstest.Stream}, {Key: "traceparent", Value: "t"},
	}}
	natstest.Must(t, b.Publish(t.Context(), r))
	d := sourcetest.Next(t, b.use(t, b.config()), 1)[0]
	natstest.Must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}))
	dlq, err := b.JS.Stream(t.Context(), "DLQ")
	natstest.Must(t, err)
	m, err := dlq.GetMsg(t.Context(), 1)
	natstest.Must(t, err)
	if m.Subject != "dlq.NOTIFY.notify.test" {
		t.Errorf("subject %q", m.Subject)
	}
	if id := m.Header.Get("Nats-Msg-Id"); !strings.HasPrefix(id, "dlq-NOTIFY-xmpp-notifier-1-") {
		t.Errorf("message id %q", id)
	}
	if m.Header.Get("Nats-Expected-Stream") != "" || m.Header.Get("traceparent") != "t" {
		t.Errorf("headers %v", m.Header)
	}
}

// A message whose dead letter is stored, but whose acknowledgement was lost,
// comes again and leaves no second dead letter.
func TestDeadLetterOnce(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	natstest.Must(t, b.Publish(t.Context(), sourcetest.Record{Body: []byte("{}")}))
	for range 2 {
		src := b.use(t, b.config())
		d := sourcetest.Next(t, src, 1)[0]
		natstest.Must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode}))
		b.Settles(t, 1)
		natstest.Must(t, src.Close(t.Context()))
		// The new consumer knows nothing of the acknowledgement.
		natstest.Must(t, b.JS.DeleteConsumer(t.Context(), natstest.Stream, natstest.Durable))
		b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: natstest.AckWait, MaxDeliver: -1})
	}
	letters, err := b.DeadLetters(t.Context())
	natstest.Must(t, err)
	if len(letters) != 1 {
		t.Errorf("%d dead letters, want 1", len(letters))
	}
}

// The errors of Reject tell the operator what to do.
func TestRejectErrors(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	natstest.Must(t, b.Publish(t.Context(), sourcetest.Record{Body: []byte("{}")}))
	cfg := b.config()
	src := b.use(t, cfg)
	d := sourcetest.Next(t, src, 1)[0]
	err := d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode})
	if err == nil || !strings.Contains(err.Error(), "NATS_DLQ_SUBJECT") || !strings.Contains(err.Error(), "dlq.NOTIFY.") {
		t.Errorf("error %v", err)
	}
	natstest.Must(t, d.Release(0))

	cfg.DLQSubject = "notify.dlq" // which the stream itself captures
	loop := b.use(t, cfg)
	for range 2 { // the message, then its dead letter
		d := sourcetest.Next(t, loop, 1)[0]
		if err := d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode}); err == nil || !strings.Contains(err.Error(), "captures its own dead letters") {
			t.Errorf("error %v", err)
		}
	}
	info, err := b.JS.Stream(t.Context(), natstest.Stream)
	natstest.Must(t, err)
	if n := info.CachedInfo().State.Msgs; n != 2 {
		t.Errorf("%d messages in the natstest.Stream, want 2: dead letters breed", n)
	}
}

// Stopping an idle source is quick.
func TestCloseIsQuick(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src := b.open(t, b.config())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, _ = sourcetest.Receive(ctx, src, 10)
	start := time.Now()
	natstest.Must(t, src.Close(t.Context()))
	if took := time.Since(start); took > sourcetest.Patience {
		t.Errorf("close took %v", took)
	}
}

// A batch keeps its bound in bytes also if most of it is headers, which the broker
// does not count as the worker does.
func TestHeadersCountAsBytes(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	natstest.Must(t, b.Publish(t.Context(), natstest.Headers(100), natstest.Headers(100), natstest.Headers(100)))
	natstest.KeepsLimit(t, b.use(t, b.config()), 3, sources.Limit{Messages: 10, Bytes: 10_000})
}
