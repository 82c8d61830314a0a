package render

import (
	"encoding/json"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// samples are the notifications that every template must work for: nearly
// nothing, everything, what has ended, and alerts as Alertmanager sends them.
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
	all := []envelope.Envelope{
		{ID: "only a subject", Subject: "Backup finished"},
		{ID: "only a message", Message: "Backup finished\nin 12 minutes"},
		{ID: "only data", Data: json.RawMessage(`{"rows":12}`)},
		full,
	}
	full.State = envelope.Resolved
	for _, severity := range []envelope.Severity{envelope.Debug, envelope.Info, envelope.Warning, envelope.Error, envelope.Fatal} {
		full.ID, full.Severity = severity.String(), severity
		all = append(all, full)
	}
	return append(all, alertSamples()...)
}

// webhook is a message of Alertmanager.
const webhook = `{
	"version": "4", "groupKey": "{}:{alertname=\"DiskFull\"}", "receiver": "room", "status": "firing", "truncatedAlerts": 0,
	"externalURL": "https://alertmanager.example.org",
	"groupLabels": {"alertname": "DiskFull"},
	"commonLabels": {"alertname": "DiskFull", "severity": "critical"},
	"commonAnnotations": {"runbook_url": "https://wiki.example.org/disk-full"},
	"alerts": [
		{"status": "firing", "fingerprint": "1a", "startsAt": "2026-03-29T11:05:00Z", "endsAt": "0001-01-01T00:00:00Z",
			"labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db-1:9100", "job": "node"},
			"annotations": {"summary": "Disk full on db-1", "description": "/var is at 100 %", "runbook_url": "https://wiki.example.org/disk-full"},
			"generatorURL": "https://prometheus.example.org/graph", "silenceURL": "https://grafana.example.org/silence",
			"dashboardURL": "https://grafana.example.org/d/1", "panelURL": "https://grafana.example.org/d/1?viewPanel=2",
			"imageURL": "https://grafana.example.org/1.png", "values": {"A": 1.5}, "valueString": "[ var='A' value=1.5 ]"},
		{"status": "resolved", "fingerprint": "2b", "startsAt": "2026-03-29T10:00:00Z", "endsAt": "2026-03-29T11:00:00Z",
			"labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db-2:9100", "job": "node"},
			"annotations": {"summary": "Disk full on db-2", "runbook_url": "https://wiki.example.org/disk-full"}}
	]
}`

func alertSamples() []envelope.Envelope {
	decoded, err := envelope.Decoder{}.Decode(envelope.Raw{Body: []byte(webhook)})
	if err != nil {
		return nil // the tests hold that it decodes
	}
	for i := range decoded.Envelopes {
		decoded.Envelopes[i].ID = "alert of Alertmanager"
	}
	return decoded.Envelopes
}

// sampleOf is a notification in which every text is word, and every word of the
// template names a label, a header and an annotation: it meets conditions of the
// template that no other sample meets.
func sampleOf(word string, words []string) envelope.Envelope {
	all := make(map[string]string, len(words))
	e := envelope.Envelope{
		ID: word, Source: word, Subject: word, Message: word, EventType: word, Fingerprint: word,
		ServerName: word, HostName: word, DomainName: word, InstanceName: word, State: envelope.State(word),
		Labels: all,
	}
	for _, name := range words {
		all[name] = word
		e.Headers = append(e.Headers, envelope.Header{Key: name, Value: word})
	}
	e.Severity, _ = envelope.ParseSeverity(word)
	annotations, _ := json.Marshal(all) // texts
	e.Extra = map[string]json.RawMessage{"annotations": annotations}
	return e
}
