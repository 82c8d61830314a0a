package conn

import (
	"strings"
	"testing"
)

// Whatever the other side says, a line of the log stays short.
func TestConditionsAreShort(t *testing.T) {
	long := strings.Repeat("long", 10_000)
	for _, e := range []string{
		"<message type='error'><error><" + long + " xmlns='" + string(OfStanza) + "'/></error></message>",
		"<message type='error'><error><gone xmlns='" + string(OfStanza) + "'/><text xmlns='" + string(OfStanza) + "'>" + long + "</text></error></message>",
	} {
		if text := StanzaError(parse(t, e)).Error(); len(text) > 300 {
			t.Errorf("%d bytes: %.100s", len(text), text)
		}
	}
}
