package envelope

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The prefixes of attributes in headers: of the Kafka binding, whose values
// are plain, and of NATS and HTTP, whose values are percent-encoded. Some
// publishers use the second one on Kafka as well, with plain values: what is
// no percent-encoding stays as it is.
const (
	plainPrefix   = "ce_"
	encodedPrefix = "ce-"
)

// eventPrefix returns the prefix of the attributes in the headers, "" if there
// are none.
func (m *message) eventPrefix() string {
	for _, prefix := range [...]string{plainPrefix, encodedPrefix} {
		if m.Get(prefix+"specversion") != "" {
			return prefix
		}
	}
	return ""
}

// binaryEvent decodes an event whose attributes are in headers and whose data
// is the body.
func binaryEvent(m *message, prefix string, config Config) ([]Envelope, error) {
	body, err := unpacked(m.Raw)
	if err != nil {
		return nil, err
	}
	c := cloudEvent{from: m.From, words: m.words, config: config, data: string(body)}
	seen := make([]string, 0, 16)
	for _, h := range m.Header {
		name, found := cutPrefixFold(h.Key, prefix)
		if name = strings.ToLower(name); !found || slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		c.set(name, attributeOf(h.Value, prefix))
	}
	if c.media == "" {
		c.media = m.Get("Content-Type")
	}
	if !utf8.ValidString(c.data) {
		c.data = textOfData(m.Raw, c.data)
	}
	return c.envelopes(), nil
}

// textOfData returns data in another charset as UTF-8, and what is no text as
// it is.
func textOfData(raw Raw, data string) string {
	if text, err := raw.Text(); err == nil {
		return string(text)
	}
	return data
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) <= len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// attributeOf returns the value of an attribute in a header.
func attributeOf(header, prefix string) string {
	value := header
	if prefix == encodedPrefix {
		value = percentDecode(unquoteHeader(header))
	}
	return strings.ToValidUTF8(value, "\uFFFD")
}

// quotedPair is a character with a backslash before it.
var quotedPair = regexp.MustCompile(`(?s)\\(.)`)

// unquoteHeader undoes the quoting of HTTP's quoted strings.
func unquoteHeader(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return quotedPair.ReplaceAllString(s[1:len(s)-1], "$1")
}

// percentByte is a byte that is percent-encoded.
var percentByte = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// percentDecode undoes one round of percent-encoding. A % that is not followed
// by two hexadecimal digits stands for itself.
func percentDecode(s string) string {
	return percentByte.ReplaceAllStringFunc(s, func(encoded string) string {
		decoded, _ := url.PathUnescape(encoded) // it is well formed
		return decoded
	})
}
