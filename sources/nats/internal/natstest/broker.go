// Package natstest has NATS servers for tests, inside the test process or, with
// the build tag real, as processes of their own.
package natstest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// The names and times of what NewBroker makes.
const (
	Stream  = "NOTIFY"
	Durable = "xmpp-notifier"
	AckWait = 3 * time.Second // a busy machine is late with in-progress acks
)

// Broker is a server with JetStream, and a client that looks into it behind
// the source's back.
type Broker struct {
	Server
	Conn *client.Conn
	JS   jetstream.JetStream
	Logs slog.Handler
}

var _ sourcetest.Restarter = (*Broker)(nil)

// StartServer starts a server without any stream.
func StartServer(t testing.TB, config ...string) *Broker {
	t.Helper()
	return Connect(t, NewServer(t, config...))
}

// Connect looks into a server with the rights that options give.
func Connect(t testing.TB, srv Server, options ...client.Option) *Broker {
	t.Helper()
	b := &Broker{Server: srv, Logs: slog.NewTextHandler(t.Output(), nil)}
	options = append(options, client.Timeout(sourcetest.Patience), client.MaxReconnects(-1), client.ReconnectWait(20*time.Millisecond), client.IgnoreAuthErrorAbort(),
		client.ErrorHandler(func(*client.Conn, *client.Subscription, error) {}))
	var err error
	for end := time.Now().Add(sourcetest.Patience); ; sourcetest.Beat() { // a busy server has a limit of its own for TLS and logins
		if b.Conn, err = client.Connect("nats://"+srv.Addr(), options...); err == nil || time.Now().After(end) {
			break
		}
	}
	Must(t, err)
	b.JS, err = jetstream.New(b.Conn)
	Must(t, err)
	t.Cleanup(b.Conn.Close)
	return b
}

// Stop and Start make b a Restarter.
func (b *Broker) Stop(t *testing.T) { t.Helper(); b.Down(t) }

// Start starts the server again, and waits until our own client has noticed: what
// that writes into the old connection is lost, and nobody answers.
func (b *Broker) Start(t *testing.T) {
	t.Helper()
	b.Up(t)
	b.Back(t)
}

// Back waits until the server, which may just have been started, answers.
func (b *Broker) Back(t testing.TB) {
	t.Helper()
	sourcetest.Eventually(t, "the broker answers", func() bool { _, err := b.JS.AccountInfo(t.Context()); return err == nil })
}

// NewBroker starts a server with the stream and the durable.
func NewBroker(t testing.TB) *Broker {
	b := StartServer(t)
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: AckWait, MaxDeliver: -1})
	return b
}

// CreateStream creates the stream of the notifications.
func (b *Broker) CreateStream(t testing.TB) {
	t.Helper()
	_, err := b.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: Stream, Subjects: []string{"notify.>"}})
	Must(t, err)
}

// CreateConsumer creates a consumer of it.
func (b *Broker) CreateConsumer(t testing.TB, cfg jetstream.ConsumerConfig) {
	t.Helper()
	_, err := b.JS.CreateConsumer(t.Context(), Stream, cfg)
	Must(t, err)
}

// Message is r as it goes over the wire.
func Message(root string, r sourcetest.Record) *client.Msg {
	m := client.NewMsg(root + ".test")
	if len(r.Key) > 0 {
		m.Subject = root + "." + string(r.Key)
	}
	m.Data = r.Body
	for _, h := range r.Header {
		m.Header[h.Key] = append(m.Header[h.Key], h.Value)
	}
	return m
}

// Publish stores records in the stream.
func (b *Broker) Publish(ctx context.Context, records ...sourcetest.Record) error {
	for _, r := range records {
		if _, err := b.JS.PublishMsg(ctx, Message("notify", r)); err != nil {
			return err
		}
	}
	return nil
}

// Info is what the broker says of the durable.
func (b *Broker) Info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	consumer, err := b.JS.Consumer(ctx, Stream, Durable)
	if err != nil {
		return nil, err
	}
	return consumer.Info(ctx)
}

// Settled is the ack floor.
func (b *Broker) Settled(ctx context.Context) (int, error) {
	info, err := b.Info(ctx)
	if err != nil {
		return 0, err
	}
	return int(min(info.AckFloor.Stream, 1<<30)), nil
}

// CreateDeadLetters creates the stream for them.
func (b *Broker) CreateDeadLetters(ctx context.Context) error {
	_, err := b.JS.CreateStream(ctx, jetstream.StreamConfig{Name: "DLQ", Subjects: []string{"dlq.>"}})
	return err
}

// DeadLetters reads them.
func (b *Broker) DeadLetters(ctx context.Context) ([]sourcetest.Record, error) {
	dlq, err := b.JS.Stream(ctx, "DLQ")
	if err != nil {
		return nil, ignore(err, jetstream.ErrStreamNotFound)
	}
	var list []sourcetest.Record
	for seq := uint64(1); seq <= dlq.CachedInfo().State.LastSeq; seq++ {
		m, err := dlq.GetMsg(ctx, seq)
		if err != nil {
			return nil, err
		}
		r := sourcetest.Record{Body: m.Data}
		for key := range m.Header {
			r.Header = append(r.Header, envelope.Header{Key: key, Value: m.Header.Get(key)})
		}
		list = append(list, r)
	}
	return list, nil
}

// Features are those of JetStream.
func (b *Broker) Features() sourcetest.Features {
	return sourcetest.Features{Lease: AckWait, PerMessage: true}
}

// Permissions are the least that docs/sources.md names. Those of init are not
// among them.
const Permissions = `{
	publish: ["$JS.API.CONSUMER.INFO.NOTIFY.xmpp-notifier", "$JS.API.CONSUMER.MSG.NEXT.NOTIFY.xmpp-notifier", "$JS.ACK.NOTIFY.xmpp-notifier.>", "dlq.NOTIFY.>"],
	subscribe: ["_INBOX_worker.>"]
}`
