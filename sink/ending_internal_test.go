package sink

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

// Who kicks us again and again sees us less and less; a lost connection is
// forgotten soon.
func TestPausesAreShortAgainAfterALongSession(t *testing.T) {
	kick := &Error{Op: "stay", Err: &RemovedError{Code: muc.StatusKicked}}
	for name, tc := range map[string]struct {
		end    error
		inRoom time.Duration
		short  bool
	}{
		"lost at once":             {conn.ErrClosed, 0, false},
		"lost after a while":       {conn.ErrClosed, lastingSession + 1, true},
		"kicked after a while":     {kick, lastingSession + 1, false},
		"replaced after a while":   {&Condition{Of: conn.OfStream, Name: "conflict"}, lastingSession + 1, false},
		"kicked after a long time": {kick, undisturbedSession + 1, true},
	} {
		b := backoff.Backoff{Min: shortestPause, Max: time.Hour}
		for range 10 {
			b.Next()
		}
		nextPause(&b, tc.inRoom, tc.end)
		if short := b.Pauses() == 1; short != tc.short {
			t.Errorf("%s: after %d pauses", name, b.Pauses())
		}
	}
}

// A server that is shut down may end our connection before others have got what
// it has reflected to us.
func TestEndingsSayWhatOthersMayNotHaveBeenSent(t *testing.T) {
	stanza := func(name, kind string) *Condition { return &Condition{Of: conn.OfStanza, Name: name, Type: kind} }
	for end, want := range map[error]outbox.Ending{
		conn.ErrClosed: outbox.ShutDown,
		&Condition{Of: conn.OfStream, Name: "system-shutdown"}: outbox.ShutDown,
		&Condition{Of: conn.OfStream, Name: "conflict"}:        outbox.SessionOver,
		errNickFree:                  outbox.SessionOver,
		&Error{Err: muc.ErrGone}:     outbox.ShutDown,
		&Error{Err: &RemovedError{}}: outbox.SessionOver,
		&Error{Err: &RemovedError{Code: muc.StatusKicked}}:   outbox.SessionOver,
		&Error{Err: &RemovedError{Code: muc.StatusShutdown}}: outbox.SessionOver,
		errStalled: outbox.BrokenOff,
		// It says so, or closes, after that.
		endReason(&Error{Err: &RemovedError{Code: muc.StatusShutdown}}, io.ErrUnexpectedEOF): outbox.ShutDown,
		// The rooms may have been restarted alone.
		&Error{Err: stanza("service-unavailable", "cancel")}:                             outbox.ShutDown,
		&Error{Err: fmt.Errorf("%w: %w", errNotInRoom, stanza("not-allowed", "cancel"))}: outbox.ShutDown,
		&Error{Err: stanza("forbidden", "auth")}:                                         outbox.SessionOver,
	} {
		if got := endingOf(end); got != want {
			t.Errorf("%v: %d, want %d", end, got, want)
		}
	}
}

// Only an end of the stream that is about what we sent is held against a message.
func TestWhatIsHeldAgainstAMessage(t *testing.T) {
	for end, want := range map[error]bool{
		&Condition{Of: conn.OfStream, Name: "not-well-formed"}:  true,
		&Condition{Of: conn.OfStream, Name: "system-shutdown"}:  false,
		&Condition{Of: conn.OfStanza, Name: "policy-violation"}: false,
		conn.ErrClosed:    false,
		errors.New("end"): false,
	} {
		if _, got := blames(end); got != want {
			t.Errorf("%v: %v", end, got)
		}
	}
}

// Too many sessions of one account put out each other. That is said, with what helps,
// and each comes back more and more rarely.
func TestReplacedSessionsComeBackRarely(t *testing.T) {
	end := named(fmt.Errorf("server ended the stream: %w", &Condition{Of: conn.OfStream, Name: "conflict", Text: "Replaced by new connection"}))
	var e *Error
	if !errors.As(end, &e) || !e.Lasting || e.Fix != conn.FixSessions || Reason(end) != "stream_error" || endingOf(end) != outbox.SessionOver {
		t.Errorf("got %#v", end)
	}
	b := backoff.Backoff{Min: shortestPause, Max: 30 * time.Second}
	sum := time.Duration(0)
	for range 50 {
		sum += nextPause(&b, time.Minute, end)
	}
	if mean := sum / 50; mean < 90*time.Second {
		t.Errorf("the mean pause is %s", mean)
	}
}
