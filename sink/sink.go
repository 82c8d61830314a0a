// Package sink delivers messages into one XMPP chat room (multi-user chat,
// XEP-0045) and tells of each one whether the room has shown it.
//
// A Room keeps one connection and one seat in the room, reconnects and
// rejoins by itself, and has a bounded window of messages on their way. A
// message is delivered when the room has reflected it: type groupchat, from
// our own occupant address, with our id. Nothing else counts.
package sink

import (
	"errors"
	"time"
)

// Message is a text for the room.
type Message struct {
	// Identity names the notification: messages with the same Identity are
	// shown once. Empty: it is unlike all others.
	Identity string
	// Body is the text. It is cut if it does not fit into a stanza.
	Body string
	// Extra is XML to put beside the text, for programs: whole elements in
	// namespaces of their own. Empty: none. It is left out if it would take
	// more than a quarter of a stanza.
	Extra string
	// Lost may be closed to say that the message is no longer ours to
	// deliver: it is dropped when its turn comes, or comes again after the
	// connection broke and the room does not tell that it was shown.
	Lost <-chan struct{}
	// Done is called exactly once, after the message has been accepted by
	// Submit. It must not block: it runs in the loop that reads the room, and
	// now and then in Submit or at the end of Run.
	Done func(Result)
}

// Result is what became of a message.
type Result struct {
	Outcome Outcome
	// Err says why, for Rejected and Dropped.
	Err error
	// Took is the time from the sending to the reflection, for Delivered; 0 if
	// the reflection was found in the room's history.
	Took time.Duration
}

// Outcome is the kind of a Result.
type Outcome int

// What can become of a message.
const (
	Delivered  Outcome = iota + 1 // the room has shown it
	Suppressed                    // the room had shown it before; not posted again
	Rejected                      // the room will never show it
	Dropped                       // not delivered by us: lost, or the room was closed
)

// The reasons for Dropped, and the errors of Submit.
var (
	ErrLost   = errors.New("message belongs to somebody else now")
	ErrClosed = errors.New("room is closed")
)
