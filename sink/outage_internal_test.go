package sink

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

func TestWhyThereWasAnOutage(t *testing.T) {
	for want, err := range map[string]error{
		"the server was shut down":     fmt.Errorf("read: %w", &Condition{Of: conn.OfStream, Name: "system-shutdown", Text: "Received SIGTERM"}),
		"the server ended the session": &Condition{Of: conn.OfStream, Name: "conflict", Text: "<b>Replaced</b>"},
		"removed from the room":        &Error{Op: "stay", Err: &RemovedError{}},
		"no answer from the server":    conn.ErrSilent,
		"connection lost":              errors.Join(io.ErrUnexpectedEOF),
	} {
		if got := (Outage{Err: err}).Why(); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
