package sink

import "time"

// EventKind is the kind of an Event.
type EventKind int

// What can happen to a Room, beside the outcomes of messages.
const (
	Connected EventKind = iota + 1 // logged in, not yet in the room
	Joined                         // in the room and sending; Seat
	Left                           // a stay or an attempt is over; Err, Stay
	Bounced                        // the room refused a message; Err
	Resent                         // sent again after a join; Messages, Doubtful
)

// Event is something that happened to a Room.
type Event struct {
	Kind EventKind
	// Seat is our address in the room, room@service/nick.
	Seat string
	// Err is why the stay is over, or a *Condition for a bounce. It is nil if
	// we left because we were told to. See Reason.
	Err error
	// Stay is how long we were in the room; 0 if we never were.
	Stay time.Duration
	// Messages is how many were sent again, Doubtful how many of them the
	// room may show twice.
	Messages, Doubtful int
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

// InFlight returns how many messages are in the window, and for how long the
// oldest of them has been waiting for its reflection while it was the oldest;
// 0 while we are not in the room.
func (r *Room) InFlight() (messages int, waiting time.Duration) {
	return r.box.size(), r.box.stalled(time.Now())
}
