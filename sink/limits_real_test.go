//go:build real

package sink_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestRealRateLimits is about rooms that limit the rate of messages: everything is
// shown, in order, in one session, and at nearly the rate that the room allows.
//
// ejabberd's min_message_interval allows two in an interval: the one that comes too
// early is held back, does not count, and the next is shown at once.
func TestRealRateLimits(t *testing.T) {
	t.Parallel()
	const interval, n, inFlight = 400 * time.Millisecond, 50, 16
	for name, real := range map[string]struct {
		start   func(context.Context, testbed.Options) (*testbed.XMPP, error)
		allowed time.Duration // one message
	}{
		"Prosody": {testbed.Prosody, interval}, "ejabberd": {testbed.Ejabberd, interval / 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startReal(t, real.start, testbed.Options{MessageInterval: interval})
			c := openRoom(t, sink.Config{
				JID: "notifier@" + server.Domain, Password: config.NewSecret(testbed.Password("notifier")), Addr: server.Addr,
				TLS: "starttls", CAFile: server.CAFile, Room: "limited@" + server.MUC, RoomCreate: true,
				IDKey: config.NewSecret("a key"),
				Limits: sink.Limits{
					MaxInFlight: inFlight, MaxStanzaBytes: 65000, ConnectTimeout: 30 * time.Second, PingInterval: 10 * time.Second,
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
			rate := (n - learning) * real.allowed.Seconds() / time.Since(began).Seconds()
			t.Logf("%.2f of what the room allows", rate)
			if rate < 0.75 || rate > 1.1 { // 0.9 and more on a quiet machine
				t.Errorf("%.2f of what the room allows", rate)
			}
			told := time.Duration(float64(time.Second) / rateOf(t, c.log.String()))
			if told < real.allowed/2 || told > real.allowed*2 { // it is told early, from few reflections
				t.Errorf("the log says that the room takes one message every %s, it is %s", told, real.allowed)
			}
			for i, body := range order {
				if body != fmt.Sprintf("message %d", i) {
					t.Fatalf("%q is shown as number %d", body, i)
				}
			}
			log := c.log.String()
			for line, want := range map[string]int{"in the room": 1, "disconnected": 0, "the room limits the rate": 1, "the rate that the room allows is known": 1} {
				if got := strings.Count(log, "msg=\""+line); got != want {
					t.Errorf("the log says %q %d times", line, got)
				}
			}
		})
	}
}

// rateOf is the rate that the log tells, in messages per second.
func rateOf(t *testing.T, log string) float64 {
	t.Helper()
	found := regexp.MustCompile(`per_second=([\d.]+)`).FindStringSubmatch(log)
	if found == nil {
		t.Fatal("the log tells no rate")
	}
	rate, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return rate
}
