package nats_test

import (
	"context"
	"flag"
	"log/slog"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

const (
	stream   = "NOTIFY"
	durable  = "xmpp-notifier"
	ackWait  = 1500 * time.Millisecond
	patience = 30 * time.Second
)

// broker is a server with JetStream, and a client that looks into it behind
// the source's back.
type broker struct {
	natsServer
	conn *client.Conn
	js   jetstream.JetStream
	logs slog.Handler
}

var (
	_ sourcetest.Broker    = (*broker)(nil)
	_ sourcetest.Restarter = (*broker)(nil)
)

// startServer starts a server without any stream.
func startServer(t testing.TB, config ...string) *broker {
	t.Helper()
	return connect(t, newServer(t, config...))
}

// connect looks into a server with the rights that options give.
func connect(t testing.TB, srv natsServer, options ...client.Option) *broker {
	t.Helper()
	b := &broker{natsServer: srv, logs: slog.NewTextHandler(t.Output(), nil)}
	options = append(options, client.MaxReconnects(-1), client.ReconnectWait(20*time.Millisecond), client.IgnoreAuthErrorAbort(),
		client.ErrorHandler(func(*client.Conn, *client.Subscription, error) {}))
	var err error
	b.conn, err = client.Connect("nats://"+srv.addr(), options...)
	must(t, err)
	b.js, err = jetstream.New(b.conn)
	must(t, err)
	t.Cleanup(b.conn.Close)
	return b
}

// Stop and Start make b a Restarter.
func (b *broker) Stop(t *testing.T) { t.Helper(); b.stop(t) }

// Start starts the server again, and waits until our own client has noticed: what
// that writes into the old connection is lost, and nobody answers.
func (b *broker) Start(t *testing.T) {
	t.Helper()
	b.start(t)
	b.back(t)
}

// back waits until the server, which may just have been started, answers.
func (b *broker) back(t testing.TB) {
	t.Helper()
	eventually(t, "the broker answers", func() bool { _, err := b.js.AccountInfo(t.Context()); return err == nil })
}

// newBroker starts a server with the stream and the durable.
func newBroker(t testing.TB) *broker {
	b := startServer(t)
	b.createStream(t)
	b.createConsumer(t, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1})
	return b
}

func (b *broker) createStream(t testing.TB) {
	t.Helper()
	_, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{"notify.>"}})
	must(t, err)
}

func (b *broker) createConsumer(t testing.TB, cfg jetstream.ConsumerConfig) {
	t.Helper()
	_, err := b.js.CreateConsumer(t.Context(), stream, cfg)
	must(t, err)
}

// message is r as it goes over the wire.
func message(root string, r sourcetest.Record) *client.Msg {
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
func (b *broker) Publish(ctx context.Context, records ...sourcetest.Record) error {
	for _, r := range records {
		if _, err := b.js.PublishMsg(ctx, message("notify", r)); err != nil {
			return err
		}
	}
	return nil
}

// settings are those of a JetStream source.
type settings struct {
	nats.Common
	nats.Config
}

func common(addr string) nats.Common {
	return nats.Common{URLs: []string{"nats://" + addr}, DLQSubject: "dlq", InboxPrefix: "_INBOX"}
}

func (b *broker) config() settings {
	return settings{common(b.addr()), nats.Config{Stream: stream, Consumer: durable, AckWait: 30 * time.Second}}
}

// Open opens a source with the usual settings.
func (b *broker) Open(t *testing.T) sources.Source { t.Helper(); return b.open(t, b.config()) }

// open opens a source that the test does not close by itself.
func (b *broker) open(t testing.TB, cfg settings) *nats.Source {
	t.Helper()
	src, err := nats.Open(cfg.Common, cfg.Config, slog.New(b.logs))
	must(t, err)
	return src
}

func (b *broker) info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	consumer, err := b.js.Consumer(ctx, stream, durable)
	if err != nil {
		return nil, err
	}
	return consumer.Info(ctx)
}

func (b *broker) Settled(ctx context.Context) (int, error) {
	info, err := b.info(ctx)
	if err != nil {
		return 0, err
	}
	return int(min(info.AckFloor.Stream, 1<<30)), nil
}

func (b *broker) CreateDeadLetters(ctx context.Context) error {
	_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{Name: "DLQ", Subjects: []string{"dlq.>"}})
	return err
}

func (b *broker) DeadLetters(ctx context.Context) ([]sourcetest.Record, error) {
	dlq, err := b.js.Stream(ctx, "DLQ")
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

func (b *broker) Features() sourcetest.Features {
	return sourcetest.Features{Lease: ackWait, PerMessage: true}
}

// TestMain lets tests overlap that mostly wait.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	m.Run()
}

func TestConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Broker { return newBroker(t) })
}
