package render

import (
	"encoding/json"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// samples are the notifications that every template must have a text for:
// nearly nothing, everything, and what has ended.
func samples() []envelope.Envelope {
	at := time.Date(2026, 3, 29, 11, 5, 0, 0, time.UTC)
	full := envelope.Envelope{
		ID: "everything", Source: "disk-watch", Time: at, Expiry: at.Add(time.Hour),
		Severity: envelope.Critical, State: envelope.Firing, Fingerprint: "1a2b3c",
		Subject: "Disk full on db-1", Message: "/var/lib/postgresql is at 100 %\nWrites fail since 13:02.",
		ServerName: "production", HostName: "db-1.example.org", DomainName: "domain1", InstanceName: "postgres-15",
		EventType: "DISK", Links: []envelope.Link{{Name: "runbook", URL: "https://wiki.example.org/disk-full"}},
		Labels: map[string]string{"team": "storage"}, Data: json.RawMessage(`{"used":1.0,"disks":["a","b"]}`),
		Extra: map[string]json.RawMessage{"ticket": json.RawMessage(`"OPS-1"`)},
	}
	resolved := full
	resolved.ID, resolved.State = "resolved", envelope.Resolved
	return []envelope.Envelope{
		{ID: "only a subject", Subject: "Backup finished"},
		{ID: "only a message", Message: "Backup finished\nin 12 minutes"},
		{ID: "only data", Data: json.RawMessage(`{"rows":12}`)},
		full, resolved,
	}
}
