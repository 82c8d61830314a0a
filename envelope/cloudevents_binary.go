package envelope

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
func binaryEvent(m *message, prefix string) ([]Envelope, error) {
	body, err := unpacked(m.Raw)
	if err != nil {
		return nil, err
	}
	c := cloudEvent{from: m.From, words: m.words, data: string(body)}
	seen := make([]string, 0, 16)
	for _, h := range m.Header {
		name, found := cutPrefixFold(h.Key, prefix)
		if name = strings.ToLower(name); !found || slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		c.set(name, attributeOf(h.Value, prefix))
	}
	c.media = cmp.Or(c.media, m.Get("Content-Type"))
	return c.envelopes(), nil
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
		if unquoted, err := strconv.Unquote(header); err == nil && header[0] == '"' { // a quoted string of HTTP
			value = unquoted
		}
		value = percentDecode(value)
	}
	return strings.ToValidUTF8(value, "\uFFFD")
}

// percentDecode undoes one round of percent-encoding, where it is that.
func percentDecode(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}
