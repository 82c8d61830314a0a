package envelope_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

func TestParseSeverity(t *testing.T) {
	for word, want := range map[string]envelope.Severity{
		"": envelope.Unspecified, "DEBUG": envelope.Debug, "finest": envelope.Debug,
		"Information": envelope.Info, "notice": envelope.Info, "OK": envelope.Info, "GOOD": envelope.Info,
		"warn": envelope.Warning, " Warning\n": envelope.Warning,
		"err": envelope.Error, "SEVERE": envelope.Error,
		"crit": envelope.Critical, "Fatal": envelope.Critical, "EMERGENCY": envelope.Critical, "alert": envelope.Critical,
	} {
		if got, known := envelope.ParseSeverity(word); got != want || !known {
			t.Errorf("%q means %v (known: %t), want %v", word, got, known, want)
		}
	}
	if got, known := envelope.ParseSeverity("sev-2"); got != envelope.Unspecified || known {
		t.Errorf("an unknown word means %v, known: %t", got, known)
	}
}

func TestSeverityNamesParse(t *testing.T) {
	for s := envelope.Unspecified; s <= envelope.Critical; s++ {
		if got, known := envelope.ParseSeverity(s.String()); got != s || !known {
			t.Errorf("%v parses as %v, known: %t", s, got, known)
		}
	}
	if got := envelope.Severity(99).String(); got != "unspecified" {
		t.Errorf("an invalid severity is named %q", got)
	}
}
