package sink

import (
	"sync/atomic"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

const (
	tail        = "</body></message>"
	nsStanzaID  = "urn:xmpp:sid:0"
	originOpen  = "<origin-id xmlns='" + nsStanzaID + "' id='"
	originClose = "'/>"
)

// format is how messages are written.
type format struct {
	head      []byte // of every message, up to its id
	maxBytes  int    // of a stanza
	originIDs *atomic.Bool
}

// messageHead is the begin of every message to a room, up to its id.
func messageHead(room string) []byte {
	return []byte("<message to='" + wire.Escape(room) + "' type='groupchat' id='")
}

// append appends a message of at most maxBytes bytes.
func (f *format) append(b []byte, id, body, extra string) []byte {
	if len(extra) > f.maxBytes/4 {
		extra = ""
	}
	start := len(b)
	b = append(append(b, f.head...), id...)
	b = append(b, "'><body>"...)
	b = appendBody(b, body, start+f.maxBytes-len(tail)-len(extra)-len(originOpen)-outbox.IDSize-len(originClose))
	b = append(append(b, "</body>"...), extra...)
	if f.originIDs.Load() {
		b = append(append(append(b, originOpen...), id...), originClose...)
	}
	return append(b, "</message>"...)
}

// size is how many bytes a message has.
func (f *format) size(id, body, extra string) int { return len(f.append(nil, id, body, extra)) }

// Preview returns the stanza that m would become, with an id that stands for
// any, without sending it.
func Preview(room string, m Message, maxBytes int) string {
	f := format{messageHead(room), maxBytes, new(atomic.Bool)}
	return string(f.append(nil, "…", m.Body, m.Extra))
}

// appendBody appends body, cut at a whole character and marked if b would be
// longer than limit.
func appendBody(b []byte, body string, limit int) []byte {
	start := len(b)
	b, fits := wire.AppendText(b, body, limit)
	if fits {
		return b
	}
	b, _ = wire.AppendText(b[:start], body, limit-len(outbox.CutMark))
	return append(b, outbox.CutMark...)
}
