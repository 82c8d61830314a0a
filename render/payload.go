package render

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// Namespace is that of the element for bots.
const Namespace = "urn:xmpp-notifier:notification:1"

// unstyled asks clients not to style a text (XEP-0393, 6).
const unstyled = "<unstyled xmlns='urn:xmpp:styling:0'/>"

// maxAttribute bounds the attributes of the element for bots, in bytes.
const maxAttribute = 300

// Payload returns the XML that goes into the message beside the text of e, ""
// if there is none.
func (r *Renderer) Payload(e envelope.Envelope) string {
	var b strings.Builder
	if r.config.Style == stylePayara && r.template == nil {
		b.WriteString(unstyled) // Payara's text is not escaped
	}
	switch {
	case !r.config.Payload:
	case len(e.Members) == 0:
		writePayload(&b, &e)
	default:
		writePayloads(&b, e.Members)
	}
	return b.String()
}

// maxPayloads bounds the elements for bots of a group, in bytes.
const maxPayloads = 10_000

// writePayloads writes an element for each member of a group, the worst first,
// as long as they fit.
func writePayloads(b *strings.Builder, members []envelope.Envelope) {
	for i := range members {
		before := b.String()
		if writePayload(b, &members[i]); b.Len() > maxPayloads {
			b.Reset()
			b.WriteString(before)
			return
		}
	}
}

// writePayload writes an element that says what bots need to react. What is
// absent is left out.
func writePayload(b *strings.Builder, e *envelope.Envelope) {
	b.WriteString("<notification xmlns='" + Namespace + "'")
	attribute := func(name, value string) {
		if value == "" {
			return
		}
		b.WriteString(" " + name + "='")
		_ = xml.EscapeText(b, []byte(cut.Line(value, maxAttribute))) // a Builder takes everything
		b.WriteString("'")
	}
	attribute("id", e.ID)
	attribute("source", e.Source)
	attribute("type", e.EventType)
	if e.Severity != envelope.Unspecified {
		attribute("severity", e.Severity.String())
		attribute("severity-number", strconv.Itoa(int(e.Severity)))
	}
	attribute("state", string(e.State))
	attribute("fingerprint", e.Fingerprint)
	if !e.Time.IsZero() {
		attribute("time", e.Time.UTC().Format(time.RFC3339Nano))
	}
	b.WriteString("/>")
}
