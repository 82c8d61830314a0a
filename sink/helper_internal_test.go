package sink

import (
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// quietRoom is a room that logs nothing.
func quietRoom(t *testing.T) *Room {
	t.Helper()
	room, err := New(Config{
		JID: "me@example.org", Password: config.NewSecret("x"), IDKey: config.NewSecret("y"), Room: "room@muc.example.org",
		TLS: "auto",
		Limits: Limits{
			MaxInFlight: 1, MaxStanzaBytes: minStanzaBytes, ConnectTimeout: time.Minute, PingInterval: time.Minute,
			StallTimeout: time.Minute, ReconnectMax: time.Minute,
		},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return room
}

// over is a session of a room over a connection that is logged in.
func over(r *Room, c net.Conn) *session {
	return newSession(r, conn.Over(c, conn.Identity{JID: "me@example.org/1"}, "example.org"), func() {})
}

// silent is a connection on which nothing happens.
func silent(t *testing.T) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours
}

func parse(t *testing.T, text string) wire.Element {
	t.Helper()
	e, err := wire.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
