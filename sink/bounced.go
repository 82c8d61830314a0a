package sink

import (
	"errors"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// probe is about a message that bounces again and again: the room is asked whether
// we are in it.
type probe struct {
	probed       string // id of the message, "" for none
	probeError   *Condition
	otherBounces bool // others have bounced since
}

func (s *session) bounced(e wire.Element) error {
	c := conn.StanzaError(e)
	s.observer.tell(Event{Kind: Bounced, Err: c})
	switch err := s.box.Bounce(e.ID, verdict(c), c); {
	case err == nil:
		return nil
	case s.probe.probed != "": // the answer about that decides
		s.probe.otherBounces = true
		return nil
	case errors.Is(err, outbox.ErrProbe):
		s.probe.probed, s.probe.probeError = string(e.ID), c
		s.ping(s.probeAnswered)
		return nil
	default:
		return &Error{Kind: muc.KindBounced, Op: "post to " + s.us.room, Err: err, Fix: muc.FixPost(c)}
	}
}

// probeAnswered takes the answer to the question whether we are in the room.
func (s *session) probeAnswered(a conn.Answer) error {
	if err := s.alive(a); err != nil {
		return err
	}
	return s.rejectProbed()
}

// rejectProbed gives up the probed message: we are still in the room, so the
// bounces were its own. What bounced meanwhile is sent again after a fresh join.
func (s *session) rejectProbed() error {
	s.box.Reject(s.probe.probed, s.probe.probeError)
	if s.probe.probed = ""; !s.probe.otherBounces {
		return nil
	}
	return &Error{Kind: muc.KindBounced, Op: "post to " + s.us.room, Err: s.probe.probeError, Fix: "the message is given up"}
}

// verdict maps the condition of a bounced message to what it is about. A state
// of the room is never a reason to give up a message.
func verdict(c *Condition) outbox.Verdict {
	if c.Type == "wait" {
		return outbox.AboutRoom
	}
	switch c.Name {
	case "policy-violation", "jid-malformed":
		return outbox.AboutMessage
	case "not-acceptable", "bad-request", "not-allowed", "feature-not-implemented", "undefined-condition":
		return outbox.Unclear
	default:
		return outbox.AboutRoom
	}
}
