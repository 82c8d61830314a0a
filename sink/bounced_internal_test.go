package sink

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

// Conditions of type wait are about the pace; others are about the message, us or the
// room, and only later messages can tell.
func TestVerdictsOnBounces(t *testing.T) {
	for c, want := range map[Condition]string{
		{Name: "resource-constraint", Type: "wait"}:     "pace",
		{Name: "policy-violation", Type: "wait"}:        "pace",
		{Name: "policy-violation", Type: "modify"}:      "unclear",
		{Name: "service-unavailable", Type: "cancel"}:   "unclear",
		{Name: "internal-server-error", Type: "cancel"}: "unclear",
		{Name: "forbidden", Type: "auth"}:               "unclear",
	} {
		c.Of = conn.OfStanza
		if got := []string{"pace", "voice", "unclear"}[verdict(&c, "participant")]; got != want {
			t.Errorf("%s %s: about the %s, want %s", c.Type, c.Name, got, want)
		}
	}
	if got := verdict(&Condition{Name: "forbidden", Type: "auth", Of: conn.OfStanza}, "visitor"); got != outbox.NoVoice {
		t.Errorf("forbidden to a visitor: %d", got)
	}
}
