package render

import (
	"cmp"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// payara returns the text as Payara's own notifier (5.2020.5 and later) wrote
// it: its subject, byte for byte but for secrets, and below it the
// message. That notifier put the subject into an element of its own, which some clients
// do not show and others take for a new topic of the room.
func (c Config) payara(e *envelope.Envelope) string {
	var b strings.Builder
	b.WriteString(orNull(e.Subject))
	b.WriteString(". (host: ")
	b.WriteString(cmp.Or(e.HostName, "?.?.?.?"))
	for _, part := range [...][2]string{{"server", e.ServerName}, {"domain", e.DomainName}, {"instance", e.InstanceName}} {
		b.WriteString(", ")
		b.WriteString(part[0])
		b.WriteString(": ")
		b.WriteString(orNull(part[1]))
	}
	b.WriteString(")")
	if text := cmp.Or(c.members(e), e.Message, dataText(e.Data)); text != "" {
		b.WriteByte('\n')
		b.WriteString(text)
	}
	text := c.cut(withoutSecrets(legal(b.String())))
	if isAction(strings.SplitN(text, "\n", 2)[0]) {
		return joiner + text
	}
	return text
}

// orNull is what Java makes of a string that is not there.
func orNull(s string) string { return cmp.Or(s, "null") }

// legal drops what XML 1.0 forbids (section 2.2), and nothing else.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF' {
			return -1
		}
		return r
	}, s)
}
