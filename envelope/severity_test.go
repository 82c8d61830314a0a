package envelope_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

func TestParseSeverity(t *testing.T) {
	for word, want := range map[string]envelope.Severity{
		"": envelope.Unspecified, "DEBUG": envelope.Debug, "finest": envelope.Trace,
		"Information": envelope.Info, "notice": envelope.Notice, "OK": envelope.Info, "GOOD": envelope.Info,
		"warn": envelope.Warning, " Warning\n": envelope.Warning,
		"err": envelope.Error, "SEVERE": envelope.Error,
		"crit": envelope.Critical, "Fatal": envelope.Fatal, "EMERGENCY": envelope.Fatal, "alert": envelope.Alert,
		"INFO2": envelope.Notice, "ERROR2": envelope.Critical, "FATAL4": 24, "WARN3": 15, "config": 7,
		"P1": envelope.Critical, "p2": envelope.Error, "P3": envelope.Warning, "P4": envelope.Notice, "P5": envelope.Info, "P0": envelope.Critical,
		"sev1": envelope.Critical, "SEV-1": envelope.Critical, "Sev3": envelope.Warning, "S1": envelope.Critical, "Severity 2": envelope.Error,
		"1": envelope.Critical, "5": envelope.Info, "blocker": envelope.Critical, "major": envelope.Error, "moderate": envelope.Warning,
		"minor": envelope.Warning, "trivial": envelope.Info, "page": envelope.Alert, "ticket": envelope.Warning,
		"Disaster": envelope.Critical, "High": envelope.Error, "Average": envelope.Warning, "Not classified": envelope.Unspecified,
		"1 - Critical": envelope.Critical, "P2 (High)": envelope.Error, "check_error": envelope.Error,
		"WRN": envelope.Warning, "INF": envelope.Info, "FTL": envelope.Fatal, "eror": envelope.Error, "daemon.err": envelope.Error,
		"LOG_ERR": envelope.Error, "SEVERITY_NUMBER_WARN": envelope.Warning, "Severity::High": envelope.Error,
	} {
		if got, known := envelope.ParseSeverity(word); got != want || !known {
			t.Errorf("%q means %v (known: %t), want %v", word, got, known, want)
		}
	}
	for _, word := range []string{"gold", "not critical", "No error", "-1"} {
		if got, known := envelope.ParseSeverity(word); got != envelope.Unspecified || known {
			t.Errorf("%q, an unknown word, means %v, known: %t", word, got, known)
		}
	}
}

func TestSeverityNamesParse(t *testing.T) {
	for s := envelope.Unspecified; s <= 24; s++ {
		got, known := envelope.ParseSeverity(s.String())
		if !known || got > s || got.String() != s.String() {
			t.Errorf("%d is called %v, which parses as %d, known: %t", s, s, got, known)
		}
	}
	for _, s := range []envelope.Severity{-1, 25, 99} {
		if got := s.String(); got != "unspecified" {
			t.Errorf("an invalid severity is named %q", got)
		}
	}
}
