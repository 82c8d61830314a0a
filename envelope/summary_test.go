package envelope_test

import (
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

func TestASummaryNamesTheAlertElseTheTitle(t *testing.T) {
	long := strings.Repeat("ä", 500)
	for want, e := range map[string]envelope.Envelope{
		"HighCPU":                     {Subject: "HighCPU: web-1 has 99 %", Labels: map[string]string{"alertname": "HighCPU"}},
		"Disk full":                   {Subject: " Disk full\nof db-1", Message: "100 %"},
		"backup failed":               {Message: "backup failed\nfor the third time"},
		"DISK":                        {EventType: "DISK"},
		strings.Repeat("ä", 50) + "…": {Subject: long},
	} {
		if got := e.Summarize().Name; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	e := envelope.Envelope{ServerName: "s", Severity: envelope.Error, State: envelope.Firing, Time: time.Unix(5, 0)}
	if got := e.Summarize(); got.Host != "s" || got.Severity != e.Severity || got.State != e.State || !got.Time.Equal(e.Time) {
		t.Errorf("got %+v", got)
	}
}

func TestExpiry(t *testing.T) {
	now := time.Unix(1000, 0)
	for after, want := range map[time.Duration]bool{-time.Hour: true, 0: true, time.Second: false} {
		if e := (envelope.Envelope{Expiry: now.Add(after)}); e.HasExpired(now) != want {
			t.Errorf("expires in %s: %v", after, !want)
		}
	}
	if new(envelope.Envelope).HasExpired(now) {
		t.Error("what never expires has expired")
	}
}
