package core

import (
	"context"
	"log/slog"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// A source that cannot subscribe to one of its subjects subscribes to none: with
// some it would take itself for complete.
func TestSubscribesToAllOrNone(t *testing.T) {
	b := natstest.StartServer(t)
	cfg := Config{Subjects: []string{"a.>", "b.>"}, Queue: "q", Buffer: 10, DropRejected: true}
	src, err := Open(natstest.Settings(b.Addr()), cfg, slog.New(b.Logs))
	natstest.Must(t, err)
	t.Cleanup(func() { natstest.Must(t, src.Close(context.WithoutCancel(t.Context()))) })
	src.subs.close()
	src.cfg.Subjects = []string{"a.>", "no subject"}
	for range 2 {
		if _, err := sourcetest.Receive(t.Context(), src, 1); err == nil {
			t.Fatal("received without the second subject")
		}
		if src.subs.list != nil {
			t.Errorf("subscribed to %d subjects", len(src.subs.list))
		}
	}
	sourcetest.Eventually(t, "nothing is subscribed to", func() bool { return src.conn.NumSubscriptions() == 0 })
	src.cfg.Subjects = cfg.Subjects
	natstest.Must(t, src.subs.open())
	natstest.Must(t, src.conn.Flush(t.Context()))
	natstest.Must(t, b.Conn.Publish("a.x", natstest.Note(1).Body))
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
}
