package sink_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// A room where all is well: every step is reported once, and nothing remains.
func TestInspectARoomThatIsWell(t *testing.T) {
	t.Parallel()
	srv := startServer(t, sinktest.Config{})
	srv.PostAs("somebody", "1", "so that there is a history")
	report := sink.Inspect(t.Context(), settings(t, srv), sink.Probes{RoundTrip: true, Throttle: true})
	for _, r := range report {
		t.Log(r.Status, r.Name, r.Text())
		// The certificate of the test server lasts for a day.
		if r.Status != check.OK && r.Name != "tls" {
			t.Errorf("%s: %s %s", r.Name, r.Status, r.Text())
		}
	}
	if len(report) != 13 {
		t.Errorf("%d steps", len(report))
	}
	if n := len(srv.Transcript()); n != 42 {
		t.Errorf("the room has shown %d messages", n)
	}
	if who := srv.Occupants(); len(who) > 0 {
		t.Errorf("still in the room: %v", who)
	}
}
