package sink

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
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
		if got := []string{"pace", "unclear"}[verdict(&c)]; got != want {
			t.Errorf("%s %s: about the %s, want %s", c.Type, c.Name, got, want)
		}
	}
}
