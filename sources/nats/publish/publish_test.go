package publish_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/publish"
)

func start(t *testing.T) (*server.Server, *publish.Publisher, jetstream.JetStream) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true, MaxPayload: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	p, err := publish.Open(nats.Settings{URLs: []string{s.ClientURL()}, DLQSubject: "dlq", InboxPrefix: "_INBOX"}, "notify.ingest", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	conn, err := client.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return s, p, js
}

func TestPublish(t *testing.T) {
	s, p, js := start(t)
	m := ingest.Message{ID: "7", Format: "text", Header: []envelope.Header{{Key: "content-type", Value: "text/plain"}}, Body: []byte("hello")}
	if err := p.Publish(t.Context(), m); err == nil || !strings.Contains(err.Error(), "no stream captures the subject notify.ingest.text: add it") {
		t.Fatalf("without a stream: %v", err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "NOTIFY", Subjects: []string{"notify.>"}, MaxMsgSize: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second is a copy
		if err := p.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	m.ID = ""
	for range 2 { // these are not
		if err := p.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := stream.Info(t.Context()); err != nil || info.State.Msgs != 3 {
		t.Errorf("the stream has %d messages, %v", info.State.Msgs, err)
	}
	got, err := stream.GetMsg(t.Context(), 1)
	if err != nil || got.Subject != "notify.ingest.text" || string(got.Data) != "hello" || got.Header["content-type"][0] != "text/plain" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, size := range []int{60_000, 200_000} { // beyond the stream's limit, and beyond the server's
		m.Body = bytes.Repeat([]byte("x"), size)
		if err := p.Publish(t.Context(), m); !errors.Is(err, ingest.ErrTooLarge) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if _, err := js.UpdateStream(t.Context(), jetstream.StreamConfig{Name: "NOTIFY", Subjects: []string{"notify.>"}, MaxMsgs: 3, Discard: jetstream.DiscardNew}); err != nil {
		t.Fatal(err)
	}
	m.Body = []byte("one more")
	if err := p.Publish(t.Context(), m); err == nil || !strings.Contains(err.Error(), "raise the limits of the stream") {
		t.Errorf("a full stream: %v", err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	m.Body = []byte("x")
	if err := p.Publish(t.Context(), m); err == nil || errors.Is(err, ingest.ErrTooLarge) {
		t.Errorf("without a server: %v", err)
	}
}
