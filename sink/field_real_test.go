//go:build real

package sink_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// startReal starts a server until the end of the test. Where it is not installed the
// test is skipped, unless CI=true demands that all run.
func startReal(t *testing.T, start func(context.Context, testbed.Options) (*testbed.XMPP, error), o testbed.Options) *testbed.XMPP {
	t.Helper()
	o.Dir = t.TempDir()
	server, err := start(t.Context(), o)
	if missing, ok := errors.AsType[*testbed.Missing](err); ok && os.Getenv("CI") != "true" {
		t.Skip("not run, because ", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logged(t, server)
		}
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// poisonRules are what a room does with messages that have certain words.
const poisonRules = `
INSPECT: body#/=swallow
DROP.

INSPECT: body#/=bounce
BOUNCE=service-unavailable (not this word)
`

// TestRealPoison: what a room swallows or always bounces is rejected with the reason,
// and everything else is shown in order, in one session.
func TestRealPoison(t *testing.T) {
	server := startReal(t, testbed.Prosody, testbed.Options{RoomRules: poisonRules})
	for word, why := range map[string]string{"swallow": "swallowed by the room", "bounce": `service-unavailable ("not this word")`} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			sc := newScene(t, habits{name: "Prosody"}, server, word)
			sc.create(owner.Room{})
			w := sc.watch()
			c := openRoom(t, sc.settings())
			c.joined()
			var texts, good []string
			for i := range 1000 {
				if i%20 == 10 {
					texts = append(texts, fmt.Sprintf("%s %d", word, i))
					continue
				}
				texts = append(texts, fmt.Sprintf("message %d", i))
				good = append(good, texts[i])
			}
			rejected := 0
			for text, r := range c.posting(texts) {
				switch {
				case !strings.HasPrefix(text, word):
					if r.Outcome != sink.Delivered {
						t.Errorf("%s: %+v", text, r)
					}
				case r.Outcome != sink.Rejected || !strings.Contains(r.Err.Error(), why):
					t.Errorf("%s: %+v", text, r)
				default:
					rejected++
				}
			}
			var got []string
			for _, m := range w.shown() {
				got = append(got, m.Body)
			}
			if rejected != 50 || !slices.Equal(got, good) {
				t.Errorf("%d rejected, want 50; shown %d, want 950: %s", rejected, len(got), difference(got, good))
			}
			sc.oneConnection()
		})
	}
}

// TestRealJoinsArePaced: a room that limits joins lets all workers in after a while. They
// ask less and less often, and say why they wait.
func TestRealJoinsArePaced(t *testing.T) {
	server := startReal(t, testbed.Prosody, testbed.Options{RoomRules: `
%RATE joins: 0.5 (burst 4)

KIND: presence
TYPE: available
LIMIT: joins on $<@to|bare>
BOUNCE=policy-violation:wait (The room is overactive, try again later)
`})
	const n = 4
	clients := make([]*client, n)
	scenes := make([]*scene, n)
	for i := range clients {
		sc := newScene(t, habits{name: "Prosody"}, server, "joins")
		scenes[i] = sc
		cfg := sc.settings()
		cfg.RoomCreate, cfg.Nick = true, fmt.Sprint("worker", i)
		cfg.ReconnectMax = 30 * time.Second
		clients[i] = openRoom(t, cfg)
	}
	waited := 0
	for i, c := range clients {
		c.joined()
		c.post(10*i, 10*i+10)
		c.delivered(10)
		waited += strings.Count(c.log.String(), "the room limits how often it may be joined")
		if refused := strings.Count(c.log.String(), "disconnected, reconnecting"); refused > 1 {
			t.Errorf("worker %d says %d times that it waits", i, refused)
		}
	}
	asked := 0
	for _, sc := range scenes {
		asked += sc.proxy.Connections()
	}
	t.Logf("%d workers asked %d times", n, asked)
	if waited == 0 || asked > 5*n {
		t.Errorf("%d had to wait, and %d workers asked %d times", waited, n, asked)
	}
}
