package sink_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// The whole room runs in a bubble of testing/synctest: over connections in
// memory, by the bubble's clock, and with nothing left when Run has returned.
func TestRoomRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dialed := make(chan string, 10)
		room, err := sink.New(sink.Config{
			JID: "notifier@example.org", Password: config.NewSecret("secret"), IDKey: config.NewSecret("key"), TLS: "auto",
			Room: "alerts@conference.example.org",
			Limits: sink.Limits{
				MaxInFlight: 16, MaxStanzaBytes: 65000, ConnectTimeout: 30 * time.Second, PingInterval: time.Minute,
				StallTimeout: time.Minute, ReconnectMax: time.Hour,
			},
		}, slog.New(slog.DiscardHandler), sink.WithDialer(func(_ context.Context, _, addr string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { _ = theirs.Close() }) // it never says a word
			dialed <- addr
			return ours, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		if err := room.Run(ctx); err != nil {
			t.Error(err)
		}
		close(dialed)
		n := 0
		for addr := range dialed {
			if n++; addr != "example.org:5222" {
				t.Errorf("dialed %s", addr)
			}
		}
		if n != 2 {
			t.Errorf("dialed %d times, want once more after XMPP_CONNECT_TIMEOUT", n)
		}
	})
}
