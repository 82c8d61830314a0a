package render_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

func TestLineOfARecovery(t *testing.T) {
	ended := time.Date(2026, 3, 29, 11, 12, 0, 0, time.UTC)
	began := map[string]json.RawMessage{"startsAt": json.RawMessage(`"2026-03-29T11:00:00Z"`)}
	for want, e := range map[string]envelope.Envelope{
		"✅ RESOLVED Disk full on db-1 (12 min)":    {Subject: "Disk full", HostName: "db-1", Time: ended, Extra: began},
		"✅ RESOLVED Disk full on db-1":             {Subject: "Disk full on db-1", HostName: "db-1", Time: ended},
		"✅ RESOLVED only a text":                   {Message: "only a text\nof two lines"},
		"✅ RESOLVED \u2060*bold* and a line break": {Subject: "*bold* and\na line break"},
	} {
		e.State = envelope.Resolved
		if got := newRenderer(t, settings()).Line(e); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
