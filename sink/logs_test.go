package sink_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// TestAFailureThatRepeatsIsLoggedOnce has nobody listening at the address.
func TestAFailureThatRepeatsIsLoggedOnce(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	var log bytes.Buffer
	room, err := sink.New(sink.Config{
		JID: "notifier@xmpp.test", Password: config.NewSecret("pw"), IDKey: config.NewSecret("key"), Addr: l.Addr().String(),
		TLS: "starttls", Room: "alerts@conference.xmpp.test",
		Limits: sink.Limits{
			MaxInFlight: 1, MaxStanzaBytes: 65000, ConnectTimeout: time.Minute, PingInterval: time.Minute,
			StallTimeout: time.Minute, ReconnectMax: 10 * time.Millisecond,
		},
	}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	attempts := 0
	room.Observe(func(sink.Event) {
		if attempts++; attempts == 20 {
			stop()
		}
	})
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) }) // returns nil
	running.Wait()
	if lines := strings.Count(log.String(), "\n"); attempts < 20 || lines != 1 || !strings.Contains(log.String(), "connection refused") {
		t.Errorf("%d attempts and these lines:\n%s", attempts, log.String())
	}
}
