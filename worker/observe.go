package worker

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// EventKind is the kind of an Event.
type EventKind int

// What can happen to a delivery, or to a source as a whole.
const (
	Received     EventKind = iota + 1 // taken from the source
	Filtered                          // not meant for the room; Why
	Delivered                         // the room has shown it; Took
	Expired                           // it has expired, and the room has counted it in a line with others; Together
	Suppressed                        // the room had shown it before
	Failed                            // it can never be delivered, a dead letter follows; Reason
	DeadLettered                      // the dead letter is written; Reason. The end
	Acked                             // the broker has been told. The end
	AckFailed                         // the broker could not be told; Err. The end
	Released                          // returned to the broker, which redelivers it. The end
	Failing                           // a request to the broker failed, another attempt follows; Doing, Err
	Recovered                         // requests of that kind succeed again; Doing
	Digested                          // the room has shown a message for several notifications, each of which is told of as well; Together, Took
)

// Event is something that happened to a delivery, or to a source if Delivery
// is nil.
type Event struct {
	Kind     EventKind
	Source   string // its name
	Delivery *sources.Delivery
	// Parts says which notifications of the delivery were filtered, delivered, expired or
	// suppressed: several if the room shows them as one.
	Parts []int
	// StanzaID is the id of the message that shows them.
	StanzaID string
	// Replaced is the id of the message that it corrects, if it is a correction.
	Replaced string
	// Together is how many posts a digest shows in one message; 0 or 1 if it is none.
	Together int
	// Took is how long the room took to show the message; 0 if nobody knows, and for
	// what is in a digest.
	Took time.Duration
	// Reason says why it can never be delivered.
	Reason sources.Reason
	// Why says why it is not shown, in the word of the filter.
	Why string
	// Doing says what was asked of the broker.
	Doing string
	Err   error
}

// What a worker asks of a broker again when it fails.
const (
	Receiving     = "receive"
	DeadLettering = "dead_letter"
)

// Observer is told of events, from several goroutines and in their course. It
// must not block.
type Observer func(Event)

// tell tells the observer, if there is one.
func (o Observer) tell(e Event) {
	if o != nil {
		o(e)
	}
}
