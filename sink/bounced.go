package sink

import (
	"errors"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// unreported is how often a message may bounce, without a proof of the reason, before that
// is logged.
const unreported = 2

// bounced takes the refusal of a message.
func (s *session) bounced(e wire.Element) error {
	c := conn.StanzaError(e)
	s.observer.tell(Event{Kind: Bounced, Err: c})
	v := verdict(c, s.occupant.role)
	tries, ours, exhausted := s.box.Bounce(e.ID, v, c)
	switch {
	case !ours:
		return nil
	case exhausted:
		return s.rejectIfWell(string(e.ID), c)
	case v == outbox.AboutPace:
		s.limited(c)
		return nil
	case v == outbox.NoVoice:
		s.voiceRevoked()
		return nil
	}
	if err := s.endIfAllFailed(); err != nil {
		return err
	}
	if tries > unreported {
		s.logUnshown()
	}
	s.ping(s.alive)
	return nil
}

// rejectIfWell gives up a message that was refused alone as well, if the room answers,
// and for itself: a service that is down refuses as an occupant does who knows no ping.
func (s *session) rejectIfWell(id string, c *Condition) error {
	if !s.catchup.described {
		s.box.Reject(id, c)
		return s.endIfAllFailed()
	}
	if s.askedMissing.Swap(true) {
		return nil // it is tried alone once more
	}
	s.ping(s.alive)
	s.ask(s.occupant.room, "get", muc.AskInfo, func(a conn.Answer) error {
		s.askedMissing.Store(false)
		if refused := a.Refused(); refused != nil {
			return notInRoom(s.occupant.room, refused)
		}
		s.box.Reject(id, c)
		return s.endIfAllFailed()
	})
	return nil
}

// endIfAllFailed is the end of the session if all that there is has failed: then it is the
// room that does not take it, and not a message.
func (s *session) endIfAllFailed() error {
	why := s.box.AllFailed(time.Now(), s.cfg.StallTimeout)
	if why == nil {
		return nil
	}
	if c, ok := errors.AsType[*Condition](why); ok {
		return muc.PostError(s.occupant.room, c)
	}
	return &Error{Kind: muc.KindBounced, Op: "post to " + s.occupant.room, Err: why}
}

// verdict maps the condition of a bounced message to what it is about. None proves that
// it is the message: a rule of the server may mean the whole account.
func verdict(c *Condition, role string) outbox.Verdict {
	switch {
	case c.Type == "wait":
		return outbox.AboutPace
	case c.Name == "forbidden" && role == muc.RoleVisitor: // XEP-0045, 7.5
		return outbox.NoVoice
	default:
		return outbox.Unclear
	}
}

// limited says once that the room limits how fast we send.
func (s *session) limited(why error) {
	if !s.learned.limited.Swap(true) {
		s.log.Warn("the room limits the rate of messages: sending more slowly", "room", s.occupant.room, "error", why)
		s.observer.tell(Event{Kind: Limited, Err: why})
	}
}

// lookForMissing asks the room whether it has handled a message that it should have
// shown by now. If our server would answer for it, all that tells is time.
func (s *session) lookForMissing() {
	now, limit := time.Now(), s.cfg.StallTimeout/2
	if s.catchup.answeredFor.Load() {
		s.missing(s.box.Overdue(now, limit))
		return
	}
	if s.askedMissing.Load() {
		return
	}
	upTo := s.box.Missing(now, limit)
	if upTo == 0 || s.askedMissing.Swap(true) {
		return
	}
	s.ping(func(a conn.Answer) error {
		s.askedMissing.Store(false)
		if err := s.alive(a); err != nil {
			return err
		}
		ids := s.box.Handled(upTo)
		if s.missing(ids); len(ids) == 0 {
			s.logUnshown()
		}
		return s.endIfAllFailed()
	})
}

// logUnshown says once of each message that the room has handled it and does not show it.
func (s *session) logUnshown() {
	list := s.box.Unshown()
	if len(list) == 0 || list[0].ID == s.learned.unshown {
		return
	}
	s.learned.unshown = list[0].ID
	s.log.Warn("the room has not shown a message, although it answers: it is not acknowledged until the room shows another one",
		"room", s.occupant.room, "id", list[0].ID, "place", list[0].Place, "count", len(list), "error", list[0].Why)
}

// missing says which messages the room has not shown.
func (s *session) missing(ids []string) {
	for _, id := range ids {
		s.log.Warn("the room has not shown a message, although it shows others: trying it alone", "room", s.occupant.room, "id", id)
	}
}

// errLate is why fewer messages are in flight although the room refuses none.
var errLate = errors.New("its reflections come late")

// measurePace says once that the room shows messages late, and at which rate it takes
// them, when that is known.
func (s *session) measurePace() {
	pace := s.box.Pace()
	told := s.learned.limited.Load()
	switch {
	case !told && pace.Limited:
		s.limited(errLate)
	case !told:
	case !pace.Limited:
		s.learned.limited.Store(false)
		s.log.Info("the room no longer limits the rate of messages", "room", s.occupant.room)
		s.observer.tell(Event{Kind: Limited})
	case pace.Sure && !s.learned.rateLogged:
		s.learned.rateLogged = true
		s.log.Info("the rate that the room allows is known", "room", s.occupant.room, "max_in_flight", pace.InFlight, "per_second", perSecond(pace.Pause))
	}
}

// perSecond is a rate, in steps that people can read.
func perSecond(pause time.Duration) float64 {
	return float64(int(1000/pause.Seconds())) / 1000
}
