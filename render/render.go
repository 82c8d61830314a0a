// Package render turns a notification into the text that people read in the
// room. It is pure: the same envelope gives the same text, everywhere.
package render

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// The limits of a text. A phone shows about twenty lines, and with them a
// stanza stays well below what any server accepts.
const (
	maxLines      = 20
	maxBytes      = 4000
	maxDataBytes  = 1000
	maxTitleBytes = 250
	maxPartBytes  = 100 // of one part of the origin
)

// noText is shown for a notification whose text consists of nothing visible.
const noText = "(no text)"

// Text returns the default text of e, plain and never empty: severity and
// title on the first line, then the message, then where and when it happened.
//
//	🔴 CRITICAL Disk full on db-1
//	/var/lib/postgresql is at 100 %
//	— disk-watch · db-1.example.org · 2026-03-29 11:05:00 UTC
//
// What is absent takes no space, and nothing is said twice. Long texts are
// cut, with a mark that says so.
func Text(e envelope.Envelope) string {
	var b strings.Builder
	b.Grow(256 + min(len(e.Message), maxBytes))
	if mark := mark(e.Severity); mark != "" {
		b.WriteString(mark)
		b.WriteByte(' ')
	}
	title, text := content(e)
	b.WriteString(title)
	if title != "" && text != "" {
		b.WriteByte('\n')
	}
	b.WriteString(text)
	writeOrigin(&b, e)
	return noActions(b.String())
}

// mark is a word, for every client and every eye, and a colour to find it by.
func mark(s envelope.Severity) string {
	switch s {
	case envelope.Debug:
		return "⚪ DEBUG"
	case envelope.Info:
		return "🔵 INFO"
	case envelope.Warning:
		return "🟡 WARNING"
	case envelope.Error:
		return "🟠 ERROR"
	case envelope.Critical:
		return "🔴 CRITICAL"
	case envelope.Unspecified:
	}
	return ""
}

// content returns the title of one line, if there is a text below it, and the
// text. Many publishers repeat the subject in the message.
func content(e envelope.Envelope) (title, text string) {
	title, text = oneLine(e.Subject), clean(e.Message)
	switch {
	case title == "" && text == "":
		return "", cut(orNoText(dataText(e.Data)), maxDataBytes)
	case text == "":
		return "", cut(title, maxBytes)
	case title == oneLine(text):
		return "", cut(text, maxBytes)
	}
	if rest, ok := strings.CutPrefix(text, title+"\n"); ok && len(title) <= maxTitleBytes {
		text = strings.TrimLeft(rest, "\n")
	}
	return shorten(title, maxTitleBytes), cut(text, maxBytes)
}

// dataText returns a JSON string as the text that it is, and any other value
// in its shortest form.
func dataText(data json.RawMessage) string {
	if len(data) == 0 {
		return ""
	}
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		return clean(text)
	}
	var short bytes.Buffer
	if err := json.Compact(&short, data); err != nil {
		return clean(string(data))
	}
	return clean(short.String())
}

func orNoText(s string) string {
	if s == "" {
		return noText
	}
	return s
}

// writeOrigin adds the line that says where and when.
func writeOrigin(b *strings.Builder, e envelope.Envelope) {
	var parts [6]string
	origin := parts[:0]
	for _, part := range []string{e.Source, e.HostName, e.ServerName, e.InstanceName, e.DomainName} {
		part = shorten(oneLine(part), maxPartBytes)
		same := func(s string) bool { return strings.EqualFold(s, part) }
		if part != "" && !slices.ContainsFunc(origin, same) {
			origin = append(origin, part)
		}
	}
	if !e.Time.IsZero() {
		origin = append(origin, e.Time.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	separator := "\n— "
	for _, part := range origin {
		b.WriteString(separator)
		b.WriteString(part)
		separator = " · "
	}
}
