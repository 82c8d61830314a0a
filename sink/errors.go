package sink

import (
	"errors"
	"fmt"
)

// Error is a failure to reach the room, or the end of a stay in it, with the
// cure that an operator can apply.
type Error struct {
	Op   string // what was tried, like "join alerts@conference.example.org"
	Err  error  // what came of it, with the XMPP condition where there was one
	Cure string // what to do; empty if waiting is all
	// Lasting says that somebody must change something before another attempt
	// can succeed. Attempts go on, slowly.
	Lasting bool
}

func (e *Error) Error() string {
	if e.Cure == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Op, e.Err, e.Cure)
}

func (e *Error) Unwrap() error { return e.Err }

// RemovedError says that the room put us out.
type RemovedError struct {
	// Code is the status code of XEP-0045, 15.6, like 307 for a kick; 0 if
	// the room was destroyed.
	Code int
	Why  string
}

func (e *RemovedError) Error() string { return e.Why }

// The ends of a connection that the worker finds out by itself.
var (
	errStalled   = errors.New("no reflection from the room within XMPP_STALL_TIMEOUT")
	errSilent    = errors.New("no answer from the server within twice XMPP_PING_INTERVAL")
	errClosed    = errors.New("server closed the stream")
	errGone      = errors.New("the server ended our presence") // as it ends the connection
	errNotInRoom = errors.New("room no longer counts us as an occupant")
	errNickFree  = errors.New("the preferred nickname is free again")
	errMute      = errors.New("no voice")
	errNoRooms   = errors.New("it is no chat service")
)
