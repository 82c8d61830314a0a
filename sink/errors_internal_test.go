package sink

import (
	"strings"
	"testing"
)

// Whatever the other side says, a line of the log stays short.
func TestConditionsAreShort(t *testing.T) {
	long := strings.Repeat("long", 10_000)
	for _, e := range []string{
		"<message type='error'><error><" + long + " xmlns='" + nsStanzaErrors + "'/></error></message>",
		"<message type='error'><error><gone xmlns='" + nsStanzaErrors + "'/><text xmlns='" + nsStanzaErrors + "'>" + long + "</text></error></message>",
	} {
		if text := stanzaError(parse(t, e)).Error(); len(text) > 300 {
			t.Errorf("%d bytes: %.100s", len(text), text)
		}
	}
}
