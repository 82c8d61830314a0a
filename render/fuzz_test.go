package render_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// FuzzText checks that whatever decodes gives a text that a room can show.
func FuzzText(f *testing.F) {
	samples, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, sample := range samples {
		f.Add(read(&testing.T{}, sample))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := envelope.Decode(envelope.Raw{Body: body})
		if err == nil {
			checkText(t, render.Text(e))
		}
	})
}

// FuzzTextOfAnything does the same for envelopes that other decoders or
// callers may make, which need not even be UTF-8.
func FuzzTextOfAnything(f *testing.F) {
	f.Add("subject", "message", "source", []byte(`{"a":1}`))
	f.Add("\xff", "\x1b[31\xff", "/me ", []byte(`{`))
	f.Fuzz(func(t *testing.T, subject, message, source string, data []byte) {
		checkText(t, render.Text(envelope.Envelope{Subject: subject, Message: message, Source: source, Data: data}))
	})
}

// action is what clients show as an action of the sender.
var action = regexp.MustCompile(`(?m)^/me(\s|$)`)

// checkText holds what is true of every text.
func checkText(t *testing.T, text string) {
	t.Helper()
	shown := text
	if strings.HasPrefix(text, " /me") {
		shown = text[1:] // the space that takes away its meaning
	}
	if shown == "" || strings.TrimSpace(shown) != shown {
		t.Errorf("empty, or with space around: %q", text)
	}
	if len(text) > 6000 || strings.Count(text, "\n") > 25 {
		t.Errorf("too long: %d bytes", len(text))
	}
	if !utf8.ValidString(text) {
		t.Errorf("not UTF-8: %q", text)
	}
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if strings.ContainsFunc(text, control) || strings.ContainsAny(text, "\uFFFE\uFFFF\u202E") {
		t.Errorf("hidden characters: %q", text)
	}
	if strings.Contains(text, "\n\n\n") || strings.Contains(text, " \n") {
		t.Errorf("needless space: %q", text)
	}
	if action.MatchString(text) {
		t.Errorf("speaks as an action: %q", text)
	}
}
