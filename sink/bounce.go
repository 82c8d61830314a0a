package sink

import (
	"errors"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

func (s *session) bounced(e wire.Element) error {
	c := stanzaError(e)
	s.observer.tell(Event{Kind: Bounced, Err: c})
	switch err := s.box.bounce(e.ID, c); {
	case err == nil:
		return nil
	case s.suspect != "": // the answer about that decides
		s.accomplices = true
		return nil
	case errors.Is(err, errSuspect):
		s.suspect, s.charge = string(e.ID), c
		s.ping(s.occupant, suspectSuffix)
		return nil
	default:
		return &Error{Op: "post to " + s.room, Err: err, Cure: postCure(c)}
	}
}

// convict gives up the suspect: we are still in the room, so the bounces were its
// own. What bounced meanwhile is sent again after a fresh join.
func (s *session) convict() error {
	s.box.reject(s.suspect, s.charge)
	if s.suspect = ""; !s.accomplices {
		return nil
	}
	return &Error{Op: "post to " + s.room, Err: s.charge, Cure: "the message is given up"}
}

// maxUnclear is how often a message may bounce for a reason that may have been
// the room's, each time after a fresh join. The next time the room is asked
// whether we are in it.
const maxUnclear = 2

var errSuspect = errors.New("message bounces again and again")

// bounce takes an error stanza for the message id. It returns an error if the
// session must be repaired before the message is sent again, and errSuspect if
// the message is to be rejected, should we still be in the room.
func (b *outbox) bounce(id []byte, c *Condition) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.inflight[string(id)]
	if !ok {
		return nil
	}
	switch judge(c) {
	case aboutMessage:
		b.settle(e, Result{Outcome: Rejected, Err: c})
		return nil
	case unclear:
		if e.bounces++; e.bounces > maxUnclear {
			return errSuspect
		}
	case aboutRoom: // repair
	}
	return c
}

// reject gives up the message id.
func (b *outbox) reject(id string, c *Condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.inflight[id]; ok {
		b.settle(e, Result{Outcome: Rejected, Err: c})
	}
}
