package render_test

import (
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
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

// FuzzStyles checks every style with mentions, and the element for bots.
func FuzzStyles(f *testing.F) {
	f.Add("subject", "message", "source", "host", []byte(`{"a":1}`), 17, 200)
	f.Add("*a*", "_b_ alice > x\n> y", "`c`", "~d~", []byte(`{"*a*":"/me"}`), 24, 4000)
	f.Fuzz(func(t *testing.T, subject, message, source, host string, data []byte, severity, limit int) {
		e := envelope.Envelope{
			ID: source, Subject: subject, Message: message, Source: source, HostName: host, Data: data,
			Severity: envelope.Severity(severity), Links: []envelope.Link{{Name: host, URL: "https://" + source}},
		}
		for _, style := range []string{"plain", "styled", "payara"} {
			r, err := render.New(render.Config{
				Style: style, MaxLines: 20, MaxBytes: 200 + max(limit, 0)%4000,
				Mention: []string{"alice"}, MentionSeverity: "error", Payload: true,
			}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			text := r.Text(e)
			checkXML(t, text)
			switch {
			case style == "plain":
				checkText(t, text)
				checkMentions(t, text, severity >= 17)
			case len(text) > 8000:
				t.Errorf("%s is %d bytes long", style, len(text))
			case strings.HasPrefix(text, "/me "):
				t.Errorf("%s speaks as an action: %q", style, text)
			}
			checkPayload(t, r.Payload(e))
		}
	})
}

// FuzzGroup checks the text of many notifications in one message.
func FuzzGroup(f *testing.F) {
	f.Add("subject", "message", "host", "label", "value", 6, uint8(1))
	f.Add("*a*\n> b", "", "", "alertname", "/me", 300, uint8(7))
	f.Fuzz(func(t *testing.T, subject, message, host, label, value string, n int, vary uint8) {
		list := make([]envelope.Envelope, 2+max(n, 0)%600)
		for i := range list {
			e := envelope.Envelope{Subject: subject, Message: message, Labels: map[string]string{label: value}, Severity: envelope.Severity(i % 24)}
			if vary > 0 && i%int(vary) == 0 {
				e = envelope.Envelope{Subject: value, HostName: host, Labels: map[string]string{label: message}, State: envelope.Resolved}
			}
			list[i] = e
		}
		checkText(t, render.Text(envelope.Group(list)))
	})
}

// checkMentions looks for the nickname in what is not our own last line.
func checkMentions(t *testing.T, text string, mentioned bool) {
	t.Helper()
	text, found := strings.CutSuffix(text, "\n→ alice")
	if found != mentioned {
		t.Errorf("mentions: %t, want %t", found, mentioned)
	}
	if strings.Contains(strings.ToLower(text), "alice") {
		t.Errorf("a payload mentions alice: %q", text)
	}
}

func checkPayload(t *testing.T, payload string) {
	t.Helper()
	var all struct {
		Child []struct{ XMLName xml.Name } `xml:",any"`
	}
	if err := xml.Unmarshal([]byte("<x>"+payload+"</x>"), &all); err != nil || len(all.Child) == 0 {
		t.Errorf("%s: %v", payload, err)
	}
}

// FuzzTemplate feeds any notification to templates that use every helper.
func FuzzTemplate(f *testing.F) {
	f.Add("subject", "message", []byte(`{"a":[1,"x"]}`), []byte(`"y"`), "label")
	f.Add("%999d", "*x*\n/me y", []byte(`{"a":{"b":null}}`), []byte(`[[]]`), "*_*")
	r, err := render.New(render.Config{
		Style: "plain", MaxLines: 20, MaxBytes: 2000,
		Template: everyHelper,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, subject, message string, data, extra []byte, label string) {
		text := r.Text(envelope.Envelope{
			Subject: subject, Message: message, Data: data, Labels: map[string]string{label: message},
			Extra: map[string]json.RawMessage{label: extra},
		})
		checkXML(t, text)
		if text == "" || len(text) > 7000 || strings.HasPrefix(text, "/me ") {
			t.Errorf("got %q", text)
		}
	})
}

// FuzzTemplateText checks that no template, however hostile, takes long, takes
// much, or loses the notification.
func FuzzTemplateText(f *testing.F) {
	for _, text := range []string{
		everyHelper, `{{range 1000000000}}{{end}}x`, `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`,
		`{{$x := "aa"}}{{range 100}}{{$x = printf "%s%s" $x $x}}{{end}}{{$x}}`, `{{.Subject | js | js}}{{break}}`,
		`{{with .Data}}{{.a.b}}{{else}}no{{end}}`, `{{block "b" .}}{{.Subject}}{{end}}`, `{{index .Labels "a"}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		c := render.Config{Style: "plain", MaxLines: 20, MaxBytes: 2000, Template: text}
		r, err := render.New(c, slog.New(slog.DiscardHandler))
		if err == nil {
			got := r.Text(envelope.Envelope{Subject: "s", Message: "m"})
			checkXML(t, got)
			if got == "" || len(got) > 7000 {
				t.Errorf("got %q", got)
			}
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

// checkText holds what is true of every text that is not Payara's.
func checkText(t *testing.T, text string) {
	t.Helper()
	checkXML(t, text)
	if text == "" || strings.TrimSpace(text) != text {
		t.Errorf("empty, or with space around: %q", text)
	}
	if len(text) > 7000 || strings.Count(text, "\n") > 25 {
		t.Errorf("too long: %d bytes", len(text))
	}
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if strings.ContainsFunc(text, control) || strings.ContainsAny(text, "\uFFFE\uFFFF\u202E") {
		t.Errorf("hidden characters: %q", text)
	}
	if strings.Contains(text, "\n\n\n") || strings.Contains(text, " \n") {
		t.Errorf("needless space: %q", text)
	}
	if meaning.MatchString(text) {
		t.Errorf("means something to a client: %q", meaning.FindString(text))
	}
}

// meaning finds actions (XEP-0245) and styling (XEP-0393).
var meaning = regexp.MustCompile(`(?m)^/me(\s|$)|^>|^` + "```" +
	`|(?:^|\s)[*_~` + "`" + `]*(?:\*[^\s](?:[^\n]*\S)?\*|_[^\s](?:[^\n]*\S)?_|~[^\s](?:[^\n]*\S)?~|` + "`[^\\s](?:[^\\n]*\\S)?`)")

// checkXML holds that a text survives as the content of an element of XML 1.0.
func checkXML(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("not UTF-8: %q", text)
	}
	var escaped strings.Builder
	if err := xml.EscapeText(&escaped, []byte(text)); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := xml.Unmarshal([]byte("<body>"+escaped.String()+"</body>"), &got); err != nil || got != text {
		t.Errorf("XML makes %q of %q (%v)", got, text, err)
	}
}
