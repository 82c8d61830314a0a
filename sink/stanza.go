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

	nsDigest    = "urn:xmpp-notifier:digest:1"
	digestOpen  = "<digest xmlns='" + nsDigest + "'>"
	digestClose = "</digest>"

	nsCorrect    = "urn:xmpp:message-correct:0"
	replaceOpen  = "<replace xmlns='" + nsCorrect + "' id='"
	replaceClose = "'/>"
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
func (f *format) append(b []byte, id string, c outbox.Content) []byte {
	if len(c.Extra) > f.maxBytes/4 {
		c.Extra = ""
	}
	start, ours := len(b), ""
	switch {
	case c.Names != "":
		ours = digestOpen + c.Names + digestClose
	case c.Replaces != "":
		ours = replaceOpen + c.Replaces + replaceClose
	}
	b = append(append(b, f.head...), id...)
	b = append(b, "'><body>"...)
	b = appendBody(b, c.Body, start+f.maxBytes-len(tail)-len(ours)-len(c.Extra)-len(originOpen)-outbox.IDSize-len(originClose))
	b = append(append(append(b, "</body>"...), ours...), c.Extra...)
	if f.originIDs.Load() {
		b = append(append(append(b, originOpen...), id...), originClose...)
	}
	return append(b, "</message>"...)
}

// size is how many bytes a message has.
func (f *format) size(id string, c outbox.Content) int { return len(f.append(nil, id, c)) }

// membersWithin is how many notifications a digest may show whose stanza has at most
// so many bytes: their names take up to half of it.
func membersWithin(maxBytes int) int {
	return (maxBytes/2 - len(digestOpen) - len(digestClose)) / outbox.NameSize
}

// Preview returns the stanza that m would become, with an id that stands for
// any, without sending it.
func Preview(room string, m Message, maxBytes int) string {
	f := format{messageHead(room), maxBytes, new(atomic.Bool)}
	return string(f.append(nil, "…", outbox.Content{Body: m.Body, Extra: m.Extra}))
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
