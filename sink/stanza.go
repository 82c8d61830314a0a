package sink

import (
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

const (
	tail        = "</body></message>"
	nsStanzaID  = "urn:xmpp:sid:0"
	originOpen  = "<origin-id xmlns='" + nsStanzaID + "' id='"
	originClose = "'/>"
)

// post implements link.
func (s *session) post(id, body, extra string) {
	s.out.append(func(b []byte) []byte { return s.stanza(b, id, body, extra) })
}

// stanza appends a message as we send it.
func (s *session) stanza(b []byte, id, body, extra string) []byte {
	return appendMessage(b, s.head, id, body, extra, s.maxBytes, s.originIDs.Load())
}

// appendMessage appends a message stanza of at most limit bytes.
func appendMessage(b, head []byte, id, body, extra string, limit int, originID bool) []byte {
	if len(extra) > limit/4 {
		extra = ""
	}
	start := len(b)
	b = append(append(b, head...), id...)
	b = append(b, "'><body>"...)
	b = appendBody(b, body, start+limit-len(tail)-len(extra)-len(originOpen)-idSize-len(originClose))
	b = append(append(b, "</body>"...), extra...)
	if originID {
		b = append(append(append(b, originOpen...), id...), originClose...)
	}
	return append(b, "</message>"...)
}

// messageHead is the begin of every message to a room, up to its id.
func messageHead(room string) []byte {
	return []byte("<message to='" + wire.Escape(room) + "' type='groupchat' id='")
}

// Preview returns the stanza that m would become, with an id that stands for
// any, without sending it.
func Preview(room string, m Message, maxBytes int) string {
	return string(appendMessage(nil, messageHead(room), "…", m.Body, m.Extra, maxBytes, false))
}

// cutMark ends a text that did not fit into a stanza.
const cutMark = " […]"

// appendBody appends body, cut at a whole character and marked if b would be
// longer than limit.
func appendBody(b []byte, body string, limit int) []byte {
	start := len(b)
	b, fits := wire.AppendText(b, body, limit)
	if fits {
		return b
	}
	b, _ = wire.AppendText(b[:start], body, limit-len(cutMark))
	return append(b, cutMark...)
}
