package sink

import (
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// Condition is a defined condition of a stream, SASL or stanza error
// (RFC 6120, 4.9.3, 6.5, 8.3.3), with the text that came along.
type Condition struct { //nolint:errname // RFC 6120 calls it so
	Name string // like "not-authorized"
	Type string // of a stanza error: auth, cancel, continue, modify, wait
	Text string
	// Elsewhere is the address that "gone", "redirect" and "see-other-host"
	// send us to.
	Elsewhere string
}

func (c *Condition) Error() string {
	if c.Text == "" {
		return c.Name
	}
	return fmt.Sprintf("%s (%.200q)", c.Name, c.Text)
}

// verdict says what a bounce is about.
type verdict int

const (
	aboutRoom    verdict = iota // us or the room: repair, then send again
	aboutMessage                // the message: it will never be shown
	unclear                     // either: join anew, and see whether it bounces again
)

// judge maps the condition of a bounced message to what it is about. A state
// of the room is never a reason to give up a message.
func judge(c *Condition) verdict {
	if c.Type == "wait" {
		return aboutRoom
	}
	switch c.Name {
	case "policy-violation", "jid-malformed":
		return aboutMessage
	case "not-acceptable", "bad-request", "not-allowed", "feature-not-implemented", "undefined-condition":
		return unclear
	default:
		return aboutRoom
	}
}

// The namespaces of defined conditions (RFC 6120, 4.9.2, 6.5, 8.3.2).
const (
	nsStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams"
	nsSASL         = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"
)

// condition reads an error element whose condition is in namespace ns. An
// application's own condition beside it is ignored.
func condition(e wire.Element, ns string) *Condition {
	c := &Condition{Type: string(e.Type)}
	for child := range e.Children() {
		switch {
		case string(child.XMLNS) != ns && ns != nsSASL:
		case string(child.Name) == "text":
			c.Text = oneLine(child.Text())
		case c.Name == "":
			c.Name, c.Elsewhere = string(child.Name), oneLine(child.Text())
		}
	}
	if c.Name == "" {
		c.Name = "undefined-condition"
	}
	c.Name = c.Name[:min(len(c.Name), longestName)]
	return c
}

// longestName bounds the name of a condition. Those that are defined are shorter.
const longestName = 40

// stanzaError reads the error in a stanza of type error.
func stanzaError(e wire.Element) *Condition {
	for child := range e.Children() {
		if child.Is("error") {
			return condition(child, nsStanzaErrors)
		}
	}
	return &Condition{Name: "undefined-condition"}
}

// oneLine keeps what a server says from breaking a log line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
