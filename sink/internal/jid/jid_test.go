package jid_test

import (
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/jid"
)

func TestAddressesArePrepared(t *testing.T) {
	for text, want := range map[string]string{
		"alerts@conference.example.org":   "alerts@conference.example.org",
		"Alerts@Conference.Example.ORG.":  "alerts@conference.example.org",
		"straße@conference.example.org":   "straße@conference.example.org",
		"sto\u0308rung@example.org":       "störung@example.org", // decomposed
		"STÖRUNG@example.org":             "störung@example.org",
		"ｆｕｌｌ@example.org":                "full@example.org", // full width
		"notifier@bücher.example":         "notifier@bücher.example",
		"notifier@BÜCHER.example":         "notifier@bücher.example",
		"notifier@xn--bcher-kva.example":  "notifier@bücher.example",
		"notifier@xmpp_server":            "notifier@xmpp_server", // a container
		"notifier@192.0.2.1":              "notifier@192.0.2.1",
		"notifier@[2001:DB8::1]":          "notifier@[2001:db8::1]",
		"a%irc.example.net@biboumi.local": "a%irc.example.net@biboumi.local",
		"#chan%irc@gateway.example":       "#chan%irc@gateway.example",
	} {
		if got, err := jid.Parse(text); err != nil || got.String() != want {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestErrorsSayWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "local@domain",
		"alerts":                                 "local@domain",
		"@example.org":                           "local@domain",
		"alerts@":                                "local@domain",
		"xmpp:a@example.org?join":                "write the address alone, a@example.org",
		"XMPP:a@example.org":                     "write the address alone, a@example.org",
		"xmpp://a@example.org":                   "write the address alone, a@example.org",
		"a@example.org/phone":                    "write the part before the slash, a@example.org",
		"a b@example.org":                        "the character ' ' at position 2",
		"a\tb@example.org":                       "the character U+0009 at position 2",
		"ä<b@example.org":                        "the character '<' at position 2",
		"a@b@example.org":                        "the character '@' at position 2",
		"a@exam ple.org":                         "the character ' ' at position 5",
		"a@-example.org":                         "DNS does not take",
		"a\u200bb@example.org":                   "the character U+200B at position 2",
		strings.Repeat("a", 1024) + "@b.example": "1024 bytes",
	} {
		got, err := jid.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q is %.40q, error %v, want one with %q", text, got, err, want)
		}
	}
}

func TestDomainsForTheNetworkAreASCII(t *testing.T) {
	for domain, want := range map[string]string{
		"bücher.example": "xn--bcher-kva.example", "example.org": "example.org", "192.0.2.1": "192.0.2.1",
	} {
		if got := jid.ASCII(domain); got != want {
			t.Errorf("%q is %q, want %q", domain, got, want)
		}
	}
}

func TestNicknames(t *testing.T) {
	for nick, want := range map[string]string{
		" Alarm Bot ": "Alarm Bot", "No\u0308te": "Nöte", "🔔": "🔔",
	} {
		if got, err := jid.Nickname(nick); err != nil || got != want {
			t.Errorf("%q is %q, %v, want %q", nick, got, err, want)
		}
	}
	if _, err := jid.Nickname("a\nb"); err == nil || !strings.Contains(err.Error(), "U+000A at position 2") {
		t.Errorf("a line break: %v", err)
	}
}

// TestOlderServersAnswerFromAnotherSpelling: what Prosody's nodeprep makes of a
// name is the same room.
func TestOlderServersAnswerFromAnotherSpelling(t *testing.T) {
	for asked, answered := range map[string]string{
		"straße@conference.example": "strasse@conference.example",
		"Ⅳ@conference.example":      "iv@conference.example",
		"ｆｕｌｌ@conference.example":   "full@conference.example",
	} {
		if !jid.Same(asked, answered) {
			t.Errorf("%q is not %q", asked, answered)
		}
	}
	if jid.Same("alerts@conference.example", "alarms@conference.example") {
		t.Error("all rooms are the same")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("straße@bücher.example")
	f.Fuzz(func(t *testing.T, text string) {
		once, err := jid.Parse(text)
		if err != nil {
			return
		}
		if again, err := jid.Parse(once.String()); err != nil || again != once {
			t.Errorf("%q is %q and then %q, %v", text, once, again, err)
		}
	})
}

// A fix that names an address names it as settings take it.
func TestURIsNameAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"xmpp:new@conference.example.org?join;password=s3cret": "new@conference.example.org",
		"XMPP:stra%C3%9Fe@conference.example.org":              "straße@conference.example.org",
		"xmpp:bad%zz@conference.example.org?join":              "bad%zz@conference.example.org",
		"new@conference.example.org":                           "new@conference.example.org",
		"xmpp":                                                 "xmpp",
	} {
		if got := jid.Named(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
