package sink

import (
	"errors"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

// Outage is a time in which we were not in the room.
type Outage struct {
	From, To time.Time
	Err      error // what ended the session before it
}

// Why says in a few words what began the outage, for people in the room. What the other
// side says never becomes part of it.
func (o Outage) Why() string {
	if c, said := errors.AsType[*Condition](o.Err); said && c.Name == "system-shutdown" {
		return "the server was shut down"
	}
	switch conn.Kind(Reason(o.Err)) {
	case muc.KindRemoved:
		return "removed from the room"
	case muc.KindBounced:
		return "the room took no messages"
	case kindNotInRoom:
		return "the room was restarted"
	case kindStalled:
		return "the room showed nothing"
	case conn.KindSilent, conn.KindTimeout:
		return "no answer from the server"
	case conn.KindStream, conn.KindClosed:
		return "the server ended the session"
	default:
		return "connection lost"
	}
}

// outages tell the room of them.
type outages struct {
	text  func(Outage) string // nil: nobody wants to
	since time.Time           // zero while we are in the room, and before the first time
	err   error
	last  string        // what the room had shown last
	again chan struct{} // closed by the next outage: what was said of this one is old
}

// AnnounceOutages makes the room say, after each outage and before everything else, what
// text returns for it; "" is nothing. Workers that were in the room until the same message
// say it once. Call it before Run.
func (r *Room) AnnounceOutages(text func(Outage) string) { r.outages.text = text }

// left notes that an outage begins.
func (o *outages) left(err error, last string) {
	if o.again != nil {
		close(o.again)
		o.again = nil
	}
	o.since, o.err, o.last = time.Now(), err, last
}

// returned puts what there is to say of the outage that is over in front of the other
// messages.
func (r *Room) returned() {
	o := &r.outages
	if o.text == nil || o.since.IsZero() {
		return
	}
	text := o.text(Outage{From: o.since, To: time.Now(), Err: o.err})
	o.since = time.Time{}
	if text == "" {
		return
	}
	o.again = make(chan struct{})
	m := outbox.Message{Body: text, Lost: o.again}
	if o.last != "" { // else no other worker knows of the same outage
		m.Identity = "outage after " + o.last
	}
	r.box.Announce(m)
}
