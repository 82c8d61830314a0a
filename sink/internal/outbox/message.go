// Package outbox keeps the messages in flight to a room and what is known of
// those that the room has shown: their ids, their order, what a history proves,
// what a refusal means. It knows no XMPP and no configuration: a session attaches
// itself as the link, tells what the room shows and refuses, and detaches.
package outbox

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
	// Members make the message a digest: it shows several notifications, and each
	// of them is settled by the Done of its Member. Identity, Body, Extra, Lost and
	// Done of the message are not used then.
	Members []Member
	// Compose makes the text of a digest, and the XML beside it, for those of the
	// Members that it will show: the others were shown or lost meanwhile. Of a
	// single one it makes the same as if that had been submitted alone. It is
	// called while the outbox is locked: it must not call back.
	Compose func(members []int) (body, extra string)
	// Corrects is the Identity of a message that this one replaces where people
	// read (XEP-0308), if the room still knows it and clients accept that. Empty:
	// none.
	Corrects string
	// Accompanies is the Identity of a message that corrects another: this one is
	// posted only if that did, and Suppressed if that was posted as one of its own.
	// It must be submitted after that one.
	Accompanies string
	// Origin is where the notification comes from, for people; nil: it is not known.
	Origin Origin
	// Lost may be closed to say that the message is no longer ours to
	// deliver: it is dropped when its turn comes, or comes again after the
	// connection broke and the room does not tell that it was shown.
	Lost <-chan struct{}
	// Done is called exactly once, after the message has been accepted by
	// Submit: by the goroutine that settles, one message after the other, and
	// never by the one that reads the room. While it blocks, the slots of what
	// was settled stay taken, and nothing else suffers.
	Done func(Result)
}

// Member is a notification that a digest shows with others.
type Member struct {
	Identity string          // as that of a Message
	Lost     <-chan struct{} // as that of a Message: what is lost leaves the digest
	Done     func(Result)    // as that of a Message
	Origin   Origin          // as that of a Message

	joined int // later submissions of the same notification that are settled with this one
}

// Result is what became of a message.
type Result struct {
	Outcome Outcome
	// ID is that of the stanza.
	ID string
	// Together is how many notifications the message shows, if it is a digest.
	Together int
	// Replaced is the id of the message that this one has replaced, if it was posted
	// as a correction.
	Replaced string
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
