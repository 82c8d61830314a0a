package sink

import "time"

// EventKind is the kind of an Event.
type EventKind int

// What can happen to a Room, beside the outcomes of messages.
const (
	Connected EventKind = iota + 1 // logged in, not yet in the room
	Joined                         // in the room and sending; Session
	Left                           // a session or an attempt is over; Err, InRoom
	Bounced                        // the room refused a message; Err
	Resent                         // sent again after a join; Resent, PossibleDuplicates
	Limited                        // the room asks us to send more slowly (Err), or no longer (nil)
	Voice                          // the room does not let us post (Err), or does again (nil)
)

// Event is something that happened to a Room.
type Event struct {
	Kind    EventKind
	Session Session
	// Err is why the session is over, or a *Condition for a bounce. It is nil if
	// we left because we were told to. See Reason.
	Err error
	// InRoom is how long we were in the room; 0 if we never were.
	InRoom time.Duration
	// Resent is how many messages were sent again, PossibleDuplicates how many of
	// them the room may show twice.
	Resent, PossibleDuplicates int
}

// Session is what is known of a session when it enters the room.
type Session struct {
	Occupant          string // our address in the room, room@service/nick
	Nick              string
	Role, Affiliation string // XEP-0045, section 5
	MaxStanzaBytes    int
	History           int    // messages that the room has told of its history
	Archive           bool   // it has one, and answers
	HistoryText       string // what the worker can look up after a reconnect, for people
}

// Observer is told of events, in the goroutine in which they happen. It must
// not block.
type Observer func(Event)

// tell tells the observer, if there is one.
func (o Observer) tell(e Event) {
	if o != nil {
		o(e)
	}
}

// Observe makes o hear of everything that happens from now on. Call it before
// Run.
func (r *Room) Observe(o Observer) { r.observer = o }
