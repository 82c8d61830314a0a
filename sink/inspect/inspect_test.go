package inspect_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/inspect"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// A room where all is well: every step is reported once, and nothing remains.
func TestInspectARoomThatIsWell(t *testing.T) {
	t.Parallel()
	srv, err := sinktest.Start(sinktest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	srv.PostAs("somebody", "1", "so that there is a history")
	cfg := sink.Config{
		JID: "notifier@" + srv.Domain(), Password: config.NewSecret("notifier-pw"), Addr: srv.Addr(), TLS: "starttls",
		CAFile: ca, Room: srv.RoomJID(), IDKey: config.NewSecret("a key"),
		Limits: sink.Limits{
			MaxInFlight: 16, MaxStanzaBytes: 65000, ConnectTimeout: 10 * time.Second, PingInterval: 10 * time.Second,
			StallTimeout: 20 * time.Second, ReconnectMax: time.Second,
		},
	}
	report := inspect.Run(t.Context(), cfg, inspect.Probes{RoundTrip: true, Throttle: true, Sessions: 5})
	for _, r := range report {
		t.Log(r.Status, r.Name, r.Text())
		// The certificate of the test server lasts for a day.
		if r.Status != check.OK && r.Name != "tls" {
			t.Errorf("%s: %s %s", r.Name, r.Status, r.Text())
		}
	}
	if len(report) != 14 {
		t.Errorf("%d steps", len(report))
	}
	if n := len(srv.Transcript()); n != 42 {
		t.Errorf("the room has shown %d messages", n)
	}
	if who := srv.Occupants(); len(who) > 0 {
		t.Errorf("still in the room: %v", who)
	}
	wantsKey(t, report, "XMPP_ID_KEY")
	cfg.IDKey = config.Secret{}
	wantsKey(t, inspect.Run(t.Context(), cfg, inspect.Probes{}), "a key from XMPP_PASSWORD: set XMPP_ID_KEY")
}

// wantsKey checks that a report says what makes the ids of messages: a password that is
// changed changes them all.
func wantsKey(t *testing.T, report check.Report, key string) {
	t.Helper()
	for _, r := range report {
		if strings.Contains(r.Text(), "with ids by "+key) {
			return
		}
	}
	t.Errorf("the report does not say: with ids by %s", key)
}

// A room that limits the rate is no failure: the worker obeys it. It is named, with
// the rate.
func TestInspectNamesTheLimitOfTheRoom(t *testing.T) {
	t.Parallel()
	srv, err := sinktest.Start(sinktest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	last := time.Time{}
	srv.BounceMatching(func(sinktest.Post) bool {
		if time.Since(last) < time.Second {
			return true
		}
		last = time.Now()
		return false
	}, sinktest.StanzaError{Type: "wait", Condition: "resource-constraint"}, -1)
	report := inspect.Run(t.Context(), sink.Config{
		JID: "notifier@" + srv.Domain(), Password: config.NewSecret("notifier-pw"), Addr: srv.Addr(), TLS: "starttls",
		CAFile: ca, Room: srv.RoomJID(), IDKey: config.NewSecret("a key"),
		Limits: sink.Limits{
			MaxInFlight: 16, MaxStanzaBytes: 65000, ConnectTimeout: 10 * time.Second, PingInterval: 10 * time.Second,
			StallTimeout: 5 * time.Second, ReconnectMax: time.Second,
		},
	}, inspect.Probes{Throttle: true})
	got := report[len(report)-1]
	if got.Status != check.Warn || !strings.Contains(got.Text(), "the room limits the rate of messages: one every 1") || !strings.Contains(got.Text(), "min_message_interval") {
		t.Errorf("%s: %s %s", got.Name, got.Status, got.Text())
	}
}
