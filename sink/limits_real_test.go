//go:build real

package sink_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestRealRateLimits is about rooms that limit the rate of messages: everything is
// shown, in order, in one session, and at nearly the rate that the room allows.
func TestRealRateLimits(t *testing.T) {
	const interval, n = 400 * time.Millisecond, 60
	for name, start := range map[string]func(context.Context, testbed.Options) (*testbed.XMPP, error){
		"Prosody": testbed.Prosody, "ejabberd": testbed.Ejabberd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := start(t.Context(), testbed.Options{Dir: t.TempDir(), MessageInterval: interval})
			if gone, ok := errors.AsType[*testbed.Missing](err); ok {
				t.Skip(gone)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Kill() }()
			c := openRoom(t, sink.Config{
				JID: "notifier@" + server.Domain, Password: config.NewSecret(testbed.Password("notifier")), Addr: server.Addr,
				TLS: "starttls", CAFile: server.CAFile, Room: "limited@" + server.MUC, RoomCreate: true,
				IDKey: config.NewSecret("a key"),
				Limits: sink.Limits{
					MaxInFlight: 16, MaxStanzaBytes: 65000, ConnectTimeout: 30 * time.Second, PingInterval: 10 * time.Second,
					StallTimeout: time.Minute, ReconnectMax: time.Second,
				},
			})
			c.joined()
			var order []string
			var began time.Time // of what is measured: not before the pace is known
			done := make(chan string, n)
			go func() {
				for i := range n {
					body := fmt.Sprintf("message %d", i)
					_ = c.Submit(t.Context(), sink.Message{Identity: body, Body: body, Done: func(sink.Result) { done <- body }})
				}
			}()
			const learning = 20
			for len(order) < n {
				select {
				case body := <-done:
					if order = append(order, body); len(order) == learning {
						began = time.Now()
					}
				case <-time.After(patience):
					t.Fatalf("%d of %d are shown", len(order), n)
				}
			}
			rate := (n - learning) * interval.Seconds() / time.Since(began).Seconds()
			t.Logf("%.2f of what the room allows", rate)
			if rate < 0.9 {
				t.Errorf("%.2f of what the room allows", rate)
			}
			for i, body := range order {
				if body != fmt.Sprintf("message %d", i) {
					t.Fatalf("%q is shown as number %d", body, i)
				}
			}
			log := c.log.String()
			for line, want := range map[string]int{"in the room": 1, "disconnected": 0, "the room limits the rate": 1} {
				if got := strings.Count(log, "msg=\""+line); got != want {
					t.Errorf("the log says %q %d times", line, got)
				}
			}
		})
	}
}
