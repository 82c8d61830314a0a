package envelope

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// payara is the event of Payara's notification service, in the names of both
// generations: those of PayaraNotification (hostName, level ...) and those of
// the event bus before it (host, instance ...).
var payara = format{ //nolint:gochecknoglobals // a constant
	name:  "payara",
	shape: payaraShape,
	decode: func(m *message) ([]Envelope, error) {
		if err := m.object(); err != nil {
			return nil, err
		}
		return []Envelope{decodePayara(m.members, m.words)}, nil
	},
}

// payaraShape looks for members that only Payara has. A native notification
// in Payara's newer names decodes alike.
func payaraShape(m *message) string {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return m.get(name) == "" })
	}
	switch {
	case has("host", "instance", "domain"):
		return "it has the members host, instance and domain of Payara's event bus"
	case has("severity"):
		return ""
	case kindOf(cmp.Or(m.get("level"), "0")) == "string" && (has("hostName", "serverName") || has("eventType") || has("domainName", "instanceName")):
		return "it has level and other members of Payara"
	case has("notifierWhitelist"):
		return "it has Payara's member notifierWhitelist"
	case has("notifierBlacklist"):
		return "it has Payara's member notifierBlacklist"
	case has("hostName", "serverName", "domainName", "instanceName"):
		return "it has the members hostName, serverName, domainName and instanceName of Payara, and no severity"
	}
	return ""
}

// payaraNames are the names of Payara that are not ours.
var payaraNames = map[string]string{ //nolint:gochecknoglobals // a constant table
	"level": "severity", "host": "hostName", "server": "serverName", "instance": "instanceName", "domain": "domainName",
}

// notifierName is what Payara calls its XMPP notifier in lists of notifiers.
const notifierName = "xmpp-notifier"

func decodePayara(list []member, words severities) (e Envelope) {
	for _, m := range list {
		if !e.setPayara(m, list, words) {
			e.keep(m.name, m.value)
		}
	}
	e.payaraSeverity()
	if e.Message == "" && len(e.Data) > 0 && e.Data[0] == '"' {
		e.Message = unquote(string(e.Data))
	}
	return e
}

// setPayara takes one member, and reports whether it fits. A list of notifiers that
// does not name ours, or one of exceptions that does, means that the event is for
// others.
func (e *Envelope) setPayara(m member, list []member, words severities) bool {
	if m.name == "notifierWhitelist" || m.name == "notifierBlacklist" {
		var notifiers []string
		fits := json.Unmarshal([]byte(m.value), &notifiers) == nil
		if fits && m.value != "null" && slices.Contains(notifiers, notifierName) == (m.name == "notifierBlacklist") {
			e.OtherNotifier = true
		}
		return fits
	}
	if name, ok := payaraNames[m.name]; ok && find(list, name) == "" {
		return e.set(name, m.value, words)
	}
	return e.set(m.name, m.value, words)
}

// payaraSeverity finds the severity of events without a level: health checks
// say it in the type of the event (5.2020.5 and later) or in the subject.
func (e *Envelope) payaraSeverity() {
	if e.Severity != Unspecified {
		return
	}
	if s, known := ParseSeverity(e.EventType); known && s != Unspecified {
		e.Severity = s
		return
	}
	if _, word, found := strings.Cut(e.Subject, "severity level: "); found {
		word, _, _ = strings.Cut(word, " ")
		e.Severity, _ = ParseSeverity(strings.TrimRight(word, "."))
	}
}
