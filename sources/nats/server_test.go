package nats_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
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
	ackWait  = 600 * time.Millisecond
	patience = 20 * time.Second
)

// broker is a server with JetStream inside the test process, and a client that
// looks into it behind the source's back.
type broker struct {
	opts server.Options
	srv  *server.Server
	conn *client.Conn
	js   jetstream.JetStream
	logs slog.Handler
}

var _ sourcetest.Broker = (*broker)(nil)

// startServer starts a server without any stream.
func startServer(t testing.TB) *broker {
	b := &broker{
		opts: server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true},
		logs: slog.NewTextHandler(t.Output(), nil),
	}
	b.start(t)
	var err error
	b.conn, err = client.Connect(b.srv.ClientURL(), client.MaxReconnects(-1), client.ReconnectWait(20*time.Millisecond),
		client.ErrorHandler(func(*client.Conn, *client.Subscription, error) {}))
	must(t, err)
	b.js, err = jetstream.New(b.conn)
	must(t, err)
	t.Cleanup(func() { b.conn.Close(); b.stop() })
	return b
}

// start starts the server, at the same address after a stop.
func (b *broker) start(t testing.TB) {
	t.Helper()
	opts := b.opts
	srv, err := server.NewServer(&opts)
	must(t, err)
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		t.Fatal("server does not become ready")
	}
	b.srv = srv
	b.opts.Port = opts.Port
}

func (b *broker) stop() {
	b.srv.Shutdown()
	b.srv.WaitForShutdown()
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

func (b *broker) Publish(ctx context.Context, records ...sourcetest.Record) error {
	for _, r := range records {
		m := client.NewMsg("notify.test")
		if len(r.Key) > 0 {
			m.Subject = "notify." + string(r.Key)
		}
		m.Data = r.Body
		for _, h := range r.Header {
			m.Header[h.Key] = append(m.Header[h.Key], h.Value)
		}
		if _, err := b.js.PublishMsg(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (b *broker) config() nats.Config {
	return nats.Config{
		URLs: []string{b.srv.ClientURL()}, Stream: stream, Consumer: durable,
		AckWait: 30 * time.Second, DLQSubject: "dlq",
	}
}

func (b *broker) Open(t *testing.T) sources.Source { return b.open(t, b.config()) }

// open opens a source that the test does not close by itself.
func (b *broker) open(t testing.TB, cfg nats.Config) *nats.Source {
	t.Helper()
	src, err := nats.Open(cfg, slog.New(b.logs))
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

func TestConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Broker { return newBroker(t) })
}
