package sink

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// shown takes a message that the room shows, live or from its history.
func (s *session) shown(e wire.Element) {
	var at time.Time
	if s.phase == catching && len(e.From) > len(s.occupant.room) { // not what the room itself says
		at = s.catchup.replay(e)
	}
	switch {
	case s.phase != inRoom:
	case string(e.From) == s.occupant.address:
		s.voiceGranted()
	case len(e.From) > len(s.occupant.room): // of another occupant
		s.box.OtherShown()
	}
	own := string(e.From) == s.occupant.address
	if s.recognised(e, own, s.learned.clock.ours(at)) || !own || s.phase != inRoom || s.learned.keepsIDs.Load() {
		return
	}
	// From ourselves, live, and without an id that we know: the room may not keep
	// ids, or another connection of the account has our nickname.
	seen := unproven{bodyOf(e), s.box.Sent()}
	if s.learned.losesIDs {
		s.box.SeenText(seen.text, seen.sent, false)
		return
	}
	if len(s.unproven) == s.cfg.MaxInFlight {
		return // they are not all ours
	}
	if s.unproven = append(s.unproven, seen); len(s.unproven) == 1 {
		s.ping(s.noIDs)
	}
}

// unproven is a reflection that may be of one of our messages: of those that had been sent.
type unproven struct {
	text string
	sent uint64 // the number of the last of them
}

// recognised tells by its id, or its origin id (XEP-0359), that a worker made a
// message, which the room got at a time. Nothing else proves that it has shown it.
func (s *session) recognised(e wire.Element, own bool, at time.Time) bool {
	if s.box.Seen(e.ID, e.From, own, at) {
		if own && s.phase == inRoom {
			s.learned.depth.shown++
		}
		if own {
			s.learned.keepsIDs.Store(true)
		}
		s.noteDetails(e.ID, e, own, at)
		return true
	}
	if s.learned.keepsIDs.Load() {
		return false
	}
	id := originID(e)
	if len(id) == 0 || !s.box.Seen(id, e.From, own, at) {
		return false
	}
	s.noteDetails(id, e, own, at)
	return true
}

// noIDs takes the answer to a ping that was sent after a reflection without an id
// that we know. Servers keep the order: by now everything that we had sent before
// has been reflected. If nothing came with its id, the room does not keep ids, and
// the reflections that came instead were those of our messages.
func (s *session) noIDs(a conn.Answer) error {
	list := s.unproven
	s.unproven = nil
	if s.learned.keepsIDs.Load() {
		return s.alive(a)
	}
	handled := !s.catchup.answeredFor.Load() && !s.catchup.noAnswers
	for _, seen := range list {
		if s.box.SeenText(seen.text, seen.sent, handled) && !s.learned.losesIDs {
			s.learned.losesIDs = true
			s.box.KeepsNoIDs()
			s.learned.originIDs.Store(true)
			s.log.Warn("the room does not keep ids: recognising its reflections by text and order", "room", s.occupant.room)
		}
	}
	return s.alive(a)
}

func bodyOf(e wire.Element) string {
	for child := range e.Children() {
		if child.Is("body") {
			return child.Text()
		}
	}
	return ""
}

func originID(e wire.Element) []byte {
	child := e.Child("origin-id", nsStanzaID)
	return child.ID
}
