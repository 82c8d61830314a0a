package sink

import "testing"

// Who is kicked again and again comes back more and more rarely.
func TestKickIsRememberedForLong(t *testing.T) {
	kick := &Error{Op: "stay", Err: &RemovedError{Code: statusKicked}}
	if calm(kick) <= calm(errClosed) {
		t.Error("a kick is forgotten as soon as a lost connection")
	}
}
