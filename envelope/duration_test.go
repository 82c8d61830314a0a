package envelope_test

import (
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

func TestDurationsAreWrittenAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "", 0: "", 999 * time.Millisecond: "", time.Second: "1 s", 119 * time.Second: "119 s",
		2 * time.Minute: "2 min", 17*time.Minute + 42*time.Second: "17 min", 119 * time.Minute: "119 min",
		2 * time.Hour: "2 h", 2*time.Hour + 59*time.Minute: "2 h 59 min", 47 * time.Hour: "47 h",
		48 * time.Hour: "2 d", 61*time.Hour + time.Minute: "2 d 13 h",
	} {
		if got := envelope.FormatDuration(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
