package conn

import (
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// Condition is a defined condition of a stream, SASL or stanza error
// (RFC 6120, 4.9.3, 6.5, 8.3.3), with the text that came along.
type Condition struct { //nolint:errname // RFC 6120 calls it so
	Of   ErrorOf
	Name string // like "not-authorized"
	Type string // of a stanza error: auth, cancel, continue, modify, wait
	Text string
	// Elsewhere is the address that "gone", "redirect" and "see-other-host"
	// send us to.
	Elsewhere string
}

// ErrorOf is what an error is about.
type ErrorOf string

// What an error can be about, by the namespace of its condition (RFC 6120, 8.3.2,
// 4.9.2, 6.5).
const (
	OfStanza ErrorOf = "urn:ietf:params:xml:ns:xmpp-stanzas"
	OfStream ErrorOf = "urn:ietf:params:xml:ns:xmpp-streams"
	OfSASL   ErrorOf = "urn:ietf:params:xml:ns:xmpp-sasl"
)

func (c *Condition) Error() string {
	if c.Text == "" {
		return c.Name
	}
	return fmt.Sprintf("%s (%.200q)", c.Name, c.Text)
}

// condition reads an error element. An application's own condition beside the
// defined one is ignored.
func condition(e wire.Element, of ErrorOf) *Condition {
	c := &Condition{Of: of, Type: string(e.Type)}
	for child := range e.Children() {
		switch {
		case string(child.XMLNS) != string(of) && of != OfSASL:
		case string(child.Name) == "text":
			c.Text = OneLine(child.Text())
		case c.Name == "":
			c.Name, c.Elsewhere = string(child.Name), OneLine(child.Text())
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

// StanzaError reads the error in a stanza of type error.
func StanzaError(e wire.Element) *Condition {
	for child := range e.Children() {
		if child.Is("error") {
			return condition(child, OfStanza)
		}
	}
	return &Condition{Of: OfStanza, Name: "undefined-condition"}
}

// OneLine keeps what a server says from breaking a log line.
func OneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
