package envelope

import (
	"strconv"

	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// maxQuoted is how many bytes of a bad value an error quotes.
const maxQuoted = 64

// describe is what an error says of a value of the wrong type.
func describe(value string) string {
	switch kind := kindOf(value); kind {
	case "object", "array", "null":
		return kind
	default:
		return kind + " " + shorten(value)
	}
}

// quote returns s in quotes and cut to what fits an error.
func quote(s string) string {
	return strconv.Quote(shorten(s))
}

// shorten cuts s to what fits an error.
func shorten(s string) string { return cut.Line(s, maxQuoted) }
