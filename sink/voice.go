package sink

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// checkVoice looks whether we may post, when we enter the room. Some servers show what a
// visitor posts where the room is not moderated.
func (s *session) checkVoice() {
	switch {
	case s.occupant.role != muc.RoleVisitor:
	case s.catchup.moderated:
		s.voiceRevoked()
	default:
		s.log.Warn("joined as a visitor, perhaps without voice", "room", s.occupant.room, "error", muc.NoVoice(s.occupant.room))
	}
}

// longestWithoutVoice is how many times XMPP_STALL_TIMEOUT we stay without voice. Some rooms
// do not announce that voice was granted; after a rejoin the occupant has it.
const longestWithoutVoice = 5

// voiceRevoked notes that the room refuses our messages for want of voice, and logs it once.
// The session stays and sends nothing until our presence shows that voice is granted
// (XEP-0045, 8.3).
func (s *session) voiceRevoked() {
	if !s.box.Silence(true) {
		return
	}
	why := muc.NoVoice(s.occupant.room)
	s.log.Warn("no voice in the room: sending nothing until it is granted", "room", s.occupant.room, "error", why)
	s.setJoined(false)
	s.observer.tell(Event{Kind: Voice, Err: why})
}

// voiceGranted notes that the room accepts our messages again.
func (s *session) voiceGranted() {
	if !s.box.Silence(false) {
		return
	}
	s.log.Info("voice in the room granted again", "room", s.occupant.room)
	s.setJoined(true)
	s.observer.tell(Event{Kind: Voice})
}

// isTooLongWithoutVoice reports whether the session should end for want of voice.
func (s *session) isTooLongWithoutVoice(now time.Time) bool {
	since := s.box.SilentSince()
	return !since.IsZero() && now.Sub(since) > longestWithoutVoice*s.cfg.StallTimeout
}

// changed takes what the room says of us later: voice may be revoked and granted.
func (s *session) changed(e wire.Element) {
	x, err := muc.ReadUser(e)
	if err != nil || x.Item.Role == "" {
		return
	}
	s.occupant.role, s.occupant.affiliation = x.Item.Role, x.Item.Affiliation
	switch {
	case s.occupant.role != muc.RoleVisitor:
		s.voiceGranted()
	case s.phase == inRoom && s.catchup.moderated:
		s.voiceRevoked()
	}
}
