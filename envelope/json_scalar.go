package envelope

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// text returns the string that value is, if it is one.
func text(value string) (string, bool) {
	if value[0] != '"' {
		return "", false
	}
	return unquote(value), true
}

// unquote returns the string that a JSON string stands for.
func unquote(value string) string {
	raw := value[1 : len(value)-1]
	if !strings.Contains(raw, `\`) {
		return raw
	}
	// Go knows all of JSON's escapes but \/ and pairs of surrogates, means
	// the same by them, and undoes them faster.
	s, err := strconv.Unquote(value)
	if err != nil && json.Unmarshal([]byte(value), &s) != nil {
		return value // cannot happen: it is valid
	}
	return s
}

// kindOf names the type of a value in JSON's words.
func kindOf(value string) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// scalar returns the text of a string, number or boolean; null is "".
func scalar(value string) (string, bool) {
	switch value[0] {
	case '{', '[':
		return "", false
	case '"':
		return unquote(value), true
	case 'n':
		return "", true
	}
	return value, true
}

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
