package sink_test

import (
	"fmt"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// conditions are those that a stanza can be refused with (RFC 6120, 8.3.3, and payment-required
// of RFC 3920).
func conditions() []string {
	return []string{
		"bad-request", "conflict", "feature-not-implemented", "forbidden", "gone", "internal-server-error", "item-not-found",
		"jid-malformed", "not-acceptable", "not-allowed", "not-authorized", "payment-required", "policy-violation",
		"recipient-unavailable", "redirect", "registration-required", "remote-server-not-found", "remote-server-timeout",
		"resource-constraint", "service-unavailable", "subscription-required", "undefined-condition", "unexpected-request",
	}
}

// Whatever a join, a message or a stream is refused with, the error says what to do.
func TestEveryRefusalHasAFix(t *testing.T) {
	for _, name := range conditions() {
		refused := sinktest.StanzaError{Type: "cancel", Condition: name}
		t.Run("join "+name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, sinktest.Config{})
			srv.RefuseJoins(refused, -1)
			wantFix(t, observed(t, settings(t, srv)).next(sink.Left), "join", name)
		})
		t.Run("message "+name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, sinktest.Config{})
			srv.Bounce(refused, -1)
			w := observed(t, settings(t, srv))
			if err := w.Submit(t.Context(), sink.Message{Body: "hello", Done: func(sink.Result) {}}); err != nil {
				t.Fatal(err)
			}
			wantFix(t, w.next(sink.Left), "bounced", name)
		})
	}
	for _, name := range []string{
		"bad-format", "bad-namespace-prefix", "conflict", "connection-timeout", "host-gone", "host-unknown", "improper-addressing",
		"internal-server-error", "invalid-from", "invalid-namespace", "invalid-xml", "not-authorized", "not-well-formed",
		"policy-violation", "remote-connection-failed", "reset", "resource-constraint", "restricted-xml", "see-other-host",
		"system-shutdown", "undefined-condition", "unsupported-encoding", "unsupported-feature", "unsupported-stanza-type",
		"unsupported-version", "made-up-by-a-server",
	} {
		t.Run("stream "+name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, sinktest.Config{})
			w := observed(t, settings(t, srv))
			w.next(sink.Joined)
			srv.StreamError(name, "")
			wantFix(t, w.next(sink.Left), "stream_error", name)
		})
	}
}

func wantFix(t *testing.T, e sink.Event, reason, name string) {
	t.Helper()
	err, ok := e.Err.(*sink.Error) //nolint:errorlint // not one within another: what is told is the whole
	if !ok || err.Fix == "" || sink.Reason(err) != reason {
		t.Errorf("%s: %v, without a fix", name, e.Err)
	}
}

// A room that has moved says where (RFC 6120, 8.3.3.5), also when a message comes back.
func TestABounceSaysWhereTheRoomWent(t *testing.T) {
	for _, condition := range []string{"gone", "redirect"} {
		srv := startServer(t, sinktest.Config{})
		srv.Bounce(sinktest.StanzaError{Type: "cancel", Condition: condition, Content: "xmpp:new@conference.xmpp.test"}, 1)
		c := openRoom(t, settings(t, srv))
		c.post(0, 1)
		c.logged(fmt.Sprintf(`%s: its owner names \"new@conference.xmpp.test\" as the place to go: set XMPP_ROOM`, condition))
		c.delivered(1)
	}
}
