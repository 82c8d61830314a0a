package render

import (
	_ "embed"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// Notifications of all kinds, the last one with all that there is, and alerts as
// Alertmanager sends them.
var (
	//go:embed samples.json
	sampleNotifications []byte
	//go:embed sample_alerts.json
	sampleAlerts []byte
)

// samples are the notifications that every template must work for.
func samples() []envelope.Envelope {
	all := samplesOf(sampleNotifications)
	full := all[len(all)-1]
	full.State = envelope.Resolved
	for _, severity := range []envelope.Severity{envelope.Debug, envelope.Info, envelope.Warning, envelope.Error, envelope.Fatal} {
		full.ID, full.Severity = severity.String(), severity
		all = append(all, full)
	}
	return append(all, samplesOf(sampleAlerts)...)
}

func samplesOf(message []byte) []envelope.Envelope {
	decoded, _ := envelope.Decoder{}.Decode(envelope.Raw{Body: message}) // the tests hold that it decodes
	return decoded.Envelopes
}
