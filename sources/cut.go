package sources

import (
	"slices"
	"strconv"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// CutHeader is in a dead letter for which the original was too long: it tells the
// original's length in bytes.
const CutHeader = "x-dlq-cut"

// DeadLetterMessage is a dead letter to write.
type DeadLetterMessage struct {
	Header    []envelope.Header
	Key, Body []byte
}

// NewDeadLetterMessage is the dead letter of m, see [DeadLetterHeaders].
func NewDeadLetterMessage(m *Message, reason Reason, now time.Time) *DeadLetterMessage {
	return &DeadLetterMessage{Header: DeadLetterHeaders(m, reason, now), Key: m.Key, Body: m.Body}
}

// Size is its size for the brokers, or less.
func (l *DeadLetterMessage) Size() int { return l.headerSize() + len(l.Key) + len(l.Body) }

func (l *DeadLetterMessage) headerSize() int {
	const around = len(": \r\n") // as NATS writes them; Kafka takes less
	n := 0
	for _, h := range l.Header {
		n += len(h.Key) + len(h.Value) + around
	}
	return n
}

// MarkCut says that the original had length bytes, and not all of them are here. The
// first call counts.
func (l *DeadLetterMessage) MarkCut(length int) {
	if !slices.ContainsFunc(l.Header, func(h envelope.Header) bool { return h.Key == CutHeader }) {
		l.Header = append(l.Header, envelope.Header{Key: CutHeader, Value: strconv.Itoa(length)})
	}
}

// Cut makes it fit into limit bytes. Our headers say where the original is; of its own
// headers, its key and its body stays what fits.
func (l *DeadLetterMessage) Cut(limit int) {
	l.MarkCut(len(l.Body))
	if l.headerSize() > limit/2 { // the only long one that is ours
		l.Header = slices.DeleteFunc(l.Header, func(h envelope.Header) bool { return h.Key == "x-dlq-error" })
	}
	for l.headerSize() > limit/2 {
		longest := l.longestHeader()
		if longest < 0 {
			break
		}
		l.Header = slices.Delete(l.Header, longest, longest+1)
	}
	if len(l.Key) > limit/4 {
		l.Key = nil // a part of it would be another key
	}
	room := max(limit-l.headerSize()-len(l.Key), 0)
	l.Body = l.Body[:min(len(l.Body), room)]
}

// longestHeader is the publisher's longest; -1 if there is none.
func (l *DeadLetterMessage) longestHeader() int {
	longest := -1
	for i, h := range l.Header {
		if !IsDeadLetterHeader(h.Key) && (longest < 0 || len(h.Key)+len(h.Value) > len(l.Header[longest].Key)+len(l.Header[longest].Value)) {
			longest = i
		}
	}
	return longest
}
