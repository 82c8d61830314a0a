package render_test

import (
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// shown is s as people see it.
func shown(s string) string { return strings.ReplaceAll(s, "\u2060", "") }

func TestEscapingChangesNothingThatPeopleSee(t *testing.T) {
	for message, escaped := range map[string]bool{
		"*bold*": true, "_a b_": true, "~x~": true, "`code`": true, "a *b* c": true, "**b**": true,
		"> quote": true, ">": true, "```go": true, "/me waves": true, "/me": true,
		"a*b*c": false, "2 * 3 * 4": false, "snake_case_name": false, "* item": false, "ls *.go *.md": false, "*alone": false,
		"https://example.org/__a__": false, "/metrics": false, "a > b": false, "~/file and ~/other": false, "x /me": false,
	} {
		got := render.Text(envelope.Envelope{Message: message})
		checkText(t, got)
		if shown(got) != message || (got != message) != escaped {
			t.Errorf("%q becomes %q", message, got)
		}
	}
}

// TestEscapingStaysSmall has what would be worst. Were escaping quadratic, it
// would not end.
func TestEscapingStaysSmall(t *testing.T) {
	for _, word := range []string{"*a ", "*", "*_", "_a* ", "~a_ ", "*a* ", "\n>", "\n/me "} {
		message := strings.Repeat(word, 1<<20/len(word))
		checkText(t, render.Text(envelope.Envelope{Message: message}))
	}
}

func TestLinksAreShownOnce(t *testing.T) {
	const url, other = "https://example.org/a", "https://example.org/b"
	links := []envelope.Link{{Name: "one", URL: url}, {Name: "two", URL: other}, {Name: "again", URL: other}}
	for want, e := range map[string]envelope.Envelope{
		"see https://example.org/a\n→ two https://example.org/b":              {Message: "see " + url},
		"s https://example.org/b\nm\n→ one https://example.org/a":             {Subject: "s " + other, Message: "m"},
		"reason: x\n→ one https://example.org/a\n→ two https://example.org/b": {Message: `{"reason":"x"}`},
	} {
		e.Links = links
		if got := render.Text(e); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := render.Text(envelope.Envelope{Message: strings.Repeat("x", 5000) + url, Links: links[:1]}); !strings.HasSuffix(got, "\n→ one "+url) {
		t.Errorf("a link that was cut off is missing: %q", got)
	}
}

func TestStyledTitlesAreBold(t *testing.T) {
	c := settings()
	c.Style = "styled"
	for subject, want := range map[string]string{
		"Disk full":  "*🟠 ERROR Disk full*\ntext",
		"3 * 4 = 12": "🟠 ERROR 3 * 4 = 12\ntext",
		"> quote":    "*🟠 ERROR > quote*\ntext",
	} {
		if got := newRenderer(t, c).Text(envelope.Envelope{Severity: envelope.Error, Subject: subject, Message: "text"}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMentions(t *testing.T) {
	c := settings()
	c.Mention = []string{"Alice", "bob"}
	r := newRenderer(t, c)
	e := envelope.Envelope{Severity: envelope.Critical, Subject: "alice broke it", Message: "Hey ALICE and Bob"}
	text := r.Text(e)
	if !strings.HasSuffix(text, "\n→ Alice, bob") || shown(text) != "🔴 CRITICAL alice broke it\nHey ALICE and Bob\n→ Alice, bob" {
		t.Errorf("got %q", text)
	}
	body := strings.ToLower(strings.TrimSuffix(text, "\n→ Alice, bob"))
	if strings.Contains(body, "alice") || strings.Contains(body, "bob") {
		t.Errorf("the payload mentions somebody: %q", body)
	}
	for name, quiet := range map[string]envelope.Envelope{
		"less severe": {Severity: envelope.Error, Subject: "s"}, "resolved": {Severity: envelope.Fatal, State: envelope.Resolved, Subject: "s"},
		"no severity": {Subject: "s"},
	} {
		if got := r.Text(quiet); strings.Contains(got, "Alice") {
			t.Errorf("%s: mentions somebody: %q", name, got)
		}
	}
}

func TestCasesOfAnotherLengthMentionNobody(t *testing.T) {
	c := settings()
	c.Mention = []string{"kim", "straße"}
	e := envelope.Envelope{Subject: "\u212Aim, K, KIM and STRAẞE"} // the first K is the sign for Kelvin
	want := "\u212A\u2060im, K, K\u2060IM and S\u2060TRAẞE"
	if got := newRenderer(t, c).Text(e); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinksWorkEvenIfTheyHaveANickname(t *testing.T) {
	c := settings()
	c.Mention = []string{"alice"}
	got := newRenderer(t, c).Text(envelope.Envelope{Subject: "s", Links: []envelope.Link{{Name: "wiki", URL: "https://example.org/Alice/alice?x=1"}}})
	if want := "s\n→ wiki https://example.org/%41lice/%61lice?x=1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPayaraText compares with what Payara's own notifier sent: its subject,
// and below it the message as it came.
func TestPayaraText(t *testing.T) {
	c := settings()
	c.Style = "payara"
	r := newRenderer(t, c)
	for want, e := range map[string]envelope.Envelope{
		"Test Notification. (host: Test Host, server: Test Server, domain: Test Domain, instance: Test Instance)\nThis is a test notification": {
			Subject: "Test Notification", Message: "This is a test notification", Severity: envelope.Error,
			HostName: "Test Host", ServerName: "Test Server", DomainName: "Test Domain", InstanceName: "Test Instance",
		},
		"null. (host: ?.?.?.?, server: null, domain: null, instance: null)\n*x*  y": {Message: "*x*  y"},
		"s. (host: h, server: null, domain: null, instance: null)":                  {Subject: "s", HostName: "h"},
		"a b\tc. (host: ?.?.?.?, server: null, domain: null, instance: null)\nx":    {Subject: "a\x00 b\tc\x1b", Message: "x\uFFFF"},
		"\u2060/me x. (host: h, server: null, domain: null, instance: null)":        {Subject: "/me x", HostName: "h"},
	} {
		if got := r.Text(e); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if got := r.Payload(e); got != "<unstyled xmlns='urn:xmpp:styling:0'/>" {
			t.Errorf("payload %s: clients would style the text", got)
		}
	}
}

func TestPayloadForBots(t *testing.T) {
	if got := newRenderer(t, settings()).Payload(disk()); got != "" {
		t.Errorf("not asked for: %s", got)
	}
	c := settings()
	c.Payload = true
	r := newRenderer(t, c)
	want := "<notification xmlns='urn:xmpp-notifier:notification:1' id='7' source='disk-watch' severity='critical' severity-number='18' state='firing' time='2026-03-29T11:05:00Z'/>"
	if got := r.Payload(disk()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	hostile := envelope.Envelope{ID: "'/><x a=\"&\x00\xff", EventType: strings.Repeat("é", 1000)}
	got := r.Payload(hostile)
	checkPayload(t, got)
	if strings.Contains(got, "<x") || len(got) > 2000 {
		t.Errorf("got %s", got)
	}
}

func TestLimitsOfTheTextAreSettings(t *testing.T) {
	c := settings()
	c.MaxLines, c.MaxBytes = 2, 200
	r := newRenderer(t, c)
	if got, want := r.Text(envelope.Envelope{Message: "1\n2\n3\n4"}), "1\n2\n… (cut, 4 more bytes)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := r.Text(envelope.Envelope{Message: strings.Repeat("é", 1000)}); len(got) > 240 || !strings.HasSuffix(got, "… (cut, 1800 more bytes)") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
