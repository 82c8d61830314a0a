package deadletter

import (
	"slices"
	"strconv"
	"strings"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// minLetter is a length that barely holds our own headers. A stream that takes no
// more takes no dead letters.
const minLetter = 1 << 10

// cut makes the dead letter of m fit into limit bytes. Our headers say that it is cut
// and where the original is; of its own headers and its body stays what fits.
func cut(letter *client.Msg, m *sources.Message, limit int64) {
	if size(letter) <= limit {
		return
	}
	letter.Header.Set(sources.CutHeader, strconv.Itoa(len(m.Body)))
	if size(letter)-int64(len(letter.Data)) > limit/2 {
		dropHeaders(letter, limit/2)
	}
	room := max(limit-(size(letter)-int64(len(letter.Data))), 0)
	letter.Data = letter.Data[:min(int64(len(letter.Data)), room)]
}

// dropHeaders removes headers of the publisher, the longest first, until the
// others fit into limit bytes.
func dropHeaders(letter *client.Msg, limit int64) {
	var theirs []string
	for key := range letter.Header {
		if !sources.IsDeadLetterHeader(key) && !Control(key) {
			theirs = append(theirs, key)
		}
	}
	length := func(key string) int { return len(key) + len(strings.Join(letter.Header[key], "")) }
	slices.SortFunc(theirs, func(a, b string) int { return length(b) - length(a) })
	for _, key := range theirs {
		if size(letter)-int64(len(letter.Data)) <= limit {
			return
		}
		letter.Header.Del(key)
	}
}

// size is how long the server finds the dead letter.
func size(letter *client.Msg) int64 {
	const version, lines = "NATS/1.0\r\n", "\r\n"
	n := len(version) + len(lines) + len(letter.Data)
	for key, values := range letter.Header {
		for _, value := range values {
			n += len(key) + len(": ") + len(value) + len(lines)
		}
	}
	return int64(n)
}
