package sink

import (
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// HistoryWanted is how many messages we ask to be shown again on joining. A room
// gives what it has, usually 20. With so many no broker's acknowledgements are
// too slow for the room.
const HistoryWanted = 200

// join asks to enter the room, with its history: that is what tells which
// messages of an earlier connection, process or worker have arrived.
func (s *session) join() {
	s.occupant.ask()
	text, err := muc.Join(s.occupant.address, s.occupant.joinID, s.cfg.RoomPassword, s.cfg.History())
	if err != nil {
		s.conn.Fail(err)
		return
	}
	s.askTime() // before the history comes
	s.conn.Send(text)
	s.ask(s.occupant.service, "get", muc.AskInfo, s.serviceInfo)
}

// serviceInfo takes what the service says of itself: one that names what it is, and
// no chat service among that, may never answer a join.
func (s *session) serviceInfo(a conn.Answer) error {
	if s.phase != joining || a.Failed() {
		return nil
	}
	var info muc.Info
	if err := wire.Decode(a.Raw, &info); err != nil || info.IsChat() || len(info.Identities) == 0 {
		return nil //nolint:nilerr // the answer to the join tells
	}
	return muc.NotChat(s.occupant.service, muc.ErrNoRooms)
}

// presence watches our own, and that of the occupant with the nickname that we would like
// to have. Presence of others is of no interest.
func (s *session) presence(e wire.Element) error {
	answer := string(e.ID) == s.occupant.joinID
	if s.phase == joining && answer && s.occupant.respell(e.From) {
		s.log.Info("the server writes the room's name in its own way", "setting", "XMPP_ROOM", "given", s.cfg.Room, "used", s.occupant.room)
	}
	own := string(e.From) == s.occupant.address
	switch string(e.Type) {
	case "error":
		if s.phase == joining && (own || answer || string(e.From) == s.occupant.room) {
			return s.refused(conn.StanzaError(e))
		}
	case "unavailable":
		if s.phase != joining && own {
			return s.removed(e)
		}
		if string(e.From) == s.occupant.wanted() {
			s.occupant.nickFree.Store(s.occupant.nick != s.occupant.preferred)
		}
	case "":
		if string(e.From) == s.occupant.wanted() {
			s.occupant.nickFree.Store(false)
		}
		if s.phase != joining && own {
			s.changed(e)
		}
		if s.phase == joining && s.occupant.inRoom(e.From) && len(e.From) > len(s.occupant.room)+1 { // not what the room itself says
			return s.admitted(e, own, answer)
		}
	}
	return nil
}

// refused tries another nickname if ours is taken, and gives up otherwise.
func (s *session) refused(c *Condition) error {
	taken := s.occupant.nick
	if c.Name == "conflict" && s.occupant.another() {
		s.log.Warn("nickname is taken, trying another", "nick", taken, "room", s.occupant.room, "fix", muc.FixNick)
		s.join()
		return nil
	}
	return muc.JoinError(fmt.Sprintf("join %s as %q", s.occupant.room, s.occupant.nick), c)
}

// admitted looks for our own presence: we are in, and the history follows.
func (s *session) admitted(e wire.Element, own, answer bool) error {
	x, err := muc.ReadUser(e)
	switch {
	case err != nil && (own || answer):
		return fmt.Errorf("join %s: %w", s.occupant.room, err)
	case err != nil, !x.Ours(own, answer):
		return nil //nolint:nilerr // what it says of others is of no interest
	}
	s.occupant.admitted(string(e.From), x.Item.Role, x.Item.Affiliation)
	s.occupant.id = occupantID(e)
	created := x.Has(muc.StatusCreated)
	if created && !s.cfg.RoomCreate {
		s.cancel()
		return nil
	}
	if created {
		s.configure()
	}
	s.catchUp()
	return nil
}

// cancel takes back the making of a room that nobody asked for (XEP-0045,
// 10.1.2). Some services would keep it, locked, and let nobody in but us: what
// we posted there nobody would see. The answer ends the session.
func (s *session) cancel() {
	s.ask(s.occupant.room, "set", muc.Cancel, func(conn.Answer) error { return muc.NotCreated(s.occupant.room) })
}

// configure makes a new room persistent, which also unlocks it (XEP-0045,
// 10.1.3).
func (s *session) configure() {
	s.log.Info("room created", "room", s.occupant.room)
	s.ask(s.occupant.room, "set", muc.MakePersistent, func(a conn.Answer) error {
		if c := a.Refused(); c != nil {
			return &Error{Kind: muc.KindJoin, Op: "create room " + s.occupant.room, Err: c, Fix: "create it on the server", Lasting: true}
		}
		return nil
	})
}

// removed says why our presence in the room has ended.
func (s *session) removed(e wire.Element) error {
	x, err := muc.ReadUser(e)
	if err != nil {
		return fmt.Errorf("left %s: %w", s.occupant.room, err)
	}
	if x.Has(muc.StatusNewNick) && x.Item.Nick != "" {
		s.renamed(x.Item.Nick)
		return nil
	}
	end, last := muc.Removed(s.occupant.room, x)
	switch {
	case s.phase != inRoom || last:
		return end
	case s.gone == nil: // the server may be about to go down as well, and say so
		s.gone = end
		s.conn.EndSoon()
	}
	return nil
}

// renamed takes the nickname that the room has given us (XEP-0045, 7.6), as services
// of IRC networks do. From now on our messages are shown under it.
func (s *session) renamed(nick string) {
	s.log.Warn("the room has given us another nickname", "room", s.occupant.room, "nick", nick)
	s.occupant.nick, s.occupant.address = nick, s.occupant.room+"/"+nick
	s.occupant.nickFree.Store(nick != s.occupant.preferred)
	s.box.Renamed(s.occupant.address)
}
