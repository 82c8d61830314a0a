package sink

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// longestSilence is how many times XMPP_STALL_TIMEOUT we stay without a voice. Some rooms
// do not tell occupants that they have been given one; whoever comes back has it.
const longestSilence = 5

// silenced takes that the room does not let us post, and says so once. We stay and send
// nothing: our presence tells when we have a voice (XEP-0045, 8.3).
func (s *session) silenced() {
	if !s.box.Silence(true) {
		return
	}
	why := muc.NoVoice(s.occupant.room)
	s.log.Warn("no voice in the room: sending nothing until it is given", "room", s.occupant.room, "error", why)
	s.setJoined(false)
	s.observer.tell(Event{Kind: Voice, Err: why})
}

// voiced takes that the room lets us post again.
func (s *session) voiced() {
	if !s.box.Silence(false) {
		return
	}
	s.log.Info("the room lets us post again", "room", s.occupant.room)
	s.setJoined(true)
	s.observer.tell(Event{Kind: Voice})
}

// tooSilent reports whether we have been without a voice for long.
func (s *session) tooSilent(now time.Time) bool {
	since := s.box.SilentSince()
	return !since.IsZero() && now.Sub(since) > longestSilence*s.cfg.StallTimeout
}

// changed takes what the room says of us later: we may lose our voice, and get it back.
func (s *session) changed(e wire.Element) {
	x, err := muc.ReadUser(e)
	if err != nil || x.Item.Role == "" {
		return
	}
	s.occupant.role, s.occupant.affiliation = x.Item.Role, x.Item.Affiliation
	switch {
	case s.occupant.role != muc.RoleVisitor:
		s.voiced()
	case s.phase == inRoom && s.catchup.moderated:
		s.silenced()
	}
}
