package envelope

import (
	"cmp"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// Summary is what a list of very many notifications tells of one of them. It is
// small, and holds on to nothing of the message.
type Summary struct {
	// Name says what it is about: the alert, else the title.
	Name     string
	Host     string
	Severity Severity
	State    State
	// Time is when it happened, else when the broker got it.
	Time time.Time
	// Log is what it lies in at the broker, like "NOTIFY" or "alerts[2]", and Offset
	// where. Empty: the broker keeps nothing.
	Log    string
	Offset uint64
}

// Summarize returns the Summary of e, without its place.
func (e *Envelope) Summarize() Summary {
	return Summary{
		Name:     brief(cmp.Or(e.Labels["alertname"], e.Subject, e.Message, e.EventType, e.Source)),
		Host:     brief(cmp.Or(e.HostName, e.ServerName, e.InstanceName)),
		Severity: e.Severity, State: e.State, Time: e.Time,
	}
}

// maxBrief bounds the texts of a Summary, in bytes.
const maxBrief = 100

// brief is the first line of a text, cut, in memory of its own.
func brief(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return strings.Clone(cut.Line(strings.TrimSpace(text), maxBrief))
}
