package jetstream_test

import (
	"context"
	"flag"
	"log/slog"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// broker is a server with JetStream that opens sources.
type broker struct{ *natstest.Broker }

var _ sourcetest.Restarter = (*broker)(nil)

func startServer(t testing.TB, config ...string) *broker {
	t.Helper()
	return &broker{natstest.StartServer(t, config...)}
}

func connect(t testing.TB, srv natstest.Server, options ...client.Option) *broker {
	t.Helper()
	return &broker{natstest.Connect(t, srv, options...)}
}

// newBroker starts a server with the stream and the durable.
func newBroker(t testing.TB) *broker { t.Helper(); return &broker{natstest.NewBroker(t)} }

// settings are all of a source.
type settings struct {
	nats.Settings
	source.Config
}

func (b *broker) config() settings {
	return settings{natstest.Settings(b.Addr()), source.Config{Stream: natstest.Stream, Consumer: natstest.Durable, AckWait: 30 * time.Second}}
}

// Open opens a source with the usual settings.
func (b *broker) Open(t *testing.T) sources.Source { t.Helper(); return b.open(t, b.config()) }

// open opens a source that the test does not close by itself.
func (b *broker) open(t testing.TB, cfg settings) *source.Source {
	t.Helper()
	src, err := source.Open(cfg.Settings, cfg.Config, slog.New(b.Logs))
	natstest.Must(t, err)
	return src
}

// use opens a source for the length of the test.
func (b *broker) use(t testing.TB, cfg settings) *source.Source {
	t.Helper()
	src := b.open(t, cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), sourcetest.Patience)
		defer cancel()
		_ = src.Close(ctx)
	})
	return src
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
