package interop_test

import (
	"context"
	"testing"
	"time"

	natssender "github.com/cloudevents/sdk-go/protocol/nats/v2"
	jetstreamsender "github.com/cloudevents/sdk-go/protocol/nats_jetstream/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// natsTransports are the SDK's senders for core NATS, which does only
// structured events, and for JetStream.
func natsTransports(t *testing.T) []transport {
	t.Helper()
	conn := natsConn(t)
	core, err := natssender.NewSenderFromConn(conn, "core.events")
	must(t, err)
	js, err := conn.JetStream()
	must(t, err)
	_, err = js.AddStream(&nats.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, Storage: nats.MemoryStorage})
	must(t, err)
	stream, err := jetstreamsender.NewSenderFromConn(conn, "EVENTS", "events.disk", nil)
	must(t, err)
	return []transport{
		{"nats", func(ctx context.Context, m binding.Message) error { return core.Send(ctx, m) }, subscribe(t, conn, "core.events"), false},
		{"jetstream", func(ctx context.Context, m binding.Message) error { return stream.Send(ctx, m) }, subscribe(t, conn, "events.disk"), true},
	}
}

func natsConn(t *testing.T) *nats.Conn {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	must(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	conn, err := nats.Connect(s.ClientURL())
	must(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// subscribe returns a function that waits for the next message on a subject.
func subscribe(t *testing.T, conn *nats.Conn, subject string) func(t *testing.T) envelope.Raw {
	t.Helper()
	sub, err := conn.SubscribeSync(subject)
	must(t, err)
	must(t, conn.Flush())
	return func(t *testing.T) envelope.Raw {
		t.Helper()
		m, err := sub.NextMsg(10 * time.Second)
		must(t, err)
		raw := envelope.Raw{Body: m.Data}
		for key, values := range m.Header {
			for _, value := range values {
				raw.Header = append(raw.Header, envelope.Header{Key: key, Value: value})
			}
		}
		return raw
	}
}
