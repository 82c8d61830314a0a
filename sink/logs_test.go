package sink_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// TestAFailureThatRepeatsIsLoggedOnce has nobody listening at the address.
func TestAFailureThatRepeatsIsLoggedOnce(t *testing.T) {
	nobody := func(_ context.Context, network, _ string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	var log bytes.Buffer
	room, err := sink.New(sink.Config{
		JID: "notifier@xmpp.test", Password: config.NewSecret("pw"), IDKey: config.NewSecret("key"), Addr: "127.0.0.1:5222",
		TLS: "starttls", Room: "alerts@conference.xmpp.test",
		Limits: sink.Limits{
			MaxInFlight: 1, MaxStanzaBytes: 65000, ConnectTimeout: time.Minute, PingInterval: time.Minute,
			StallTimeout: time.Minute, ReconnectMax: 10 * time.Millisecond,
		},
	}, slog.New(slog.NewTextHandler(&log, nil)), sink.WithDialer(nobody))
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

// Whatever is waited for, the error names the limit that has ended it.
func TestErrorsNameTheLimit(t *testing.T) {
	for name, freeze := range map[string]func(*sinktest.Server){
		"the server is silent": (*sinktest.Server).Freeze,
		"the room is silent":   func(s *sinktest.Server) { s.AnswerJoins("<body/>") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wires := &pipes{conns: make(chan net.Conn, 1000)}
				srv := startServer(t, sinktest.Config{Listen: wires.listen})
				freeze(srv)
				room, err := sink.New(settings(t, srv), slog.New(slog.DiscardHandler), sink.WithDialer(wires.dial))
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				room.Observe(func(e sink.Event) {
					if e.Kind != sink.Left || e.Err == nil {
						return
					}
					if n++; !strings.Contains(e.Err.Error(), "XMPP_CONNECT_TIMEOUT=10s") || strings.Count(e.Err.Error(), "XMPP_") != 1 {
						t.Errorf("attempt %d: %v", n, e.Err)
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				if err := room.Run(ctx); err != nil || n < 10 {
					t.Errorf("%d attempts, %v", n, err)
				}
				srv.Close()
			})
		})
	}
}
