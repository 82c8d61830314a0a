package sink

import (
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"gosrc.io/xmpp/stanza"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// HistoryWanted is how many messages we ask to be shown again on joining. A room
// gives what it has, usually 20. With so many no broker's acknowledgements are
// too slow for the room.
const HistoryWanted = 200

// Suffixes of the join's id, for the requests that belong to a stay.
const (
	infoSuffix      = "-info"
	serviceSuffix   = "-service"
	uptimeSuffix    = "-uptime"
	nobodySuffix    = "-nobody"
	fenceSuffix     = "-fence"
	echoSuffix      = "-echo"
	archiveSuffix   = "-archive"
	configureSuffix = "-configure"
	cancelSuffix    = "-cancel"
	pingSuffix      = "-ping"
	suspectSuffix   = "-suspect"
)

// maxNicks is how many nicknames are tried in one stay.
const maxNicks = 5

// join asks for a seat in the room, with its history: that is what tells
// which messages of an earlier connection, process or worker have arrived.
func (s *session) join() {
	s.joinID, s.askID = rand.Text(), rand.Text()
	s.nicks++
	s.occupant = s.room + "/" + s.nick
	text, err := joinStanza(s.occupant, s.joinID, s.cfg.RoomPassword, s.cfg.History())
	if err != nil {
		s.fail(err)
		return
	}
	s.out.text(text + fmt.Sprintf("<iq type='get' to='%s' id='%s%s'>%s</iq>", wire.Escape(s.service), s.askID, serviceSuffix, askInfo))
}

// joinStanza asks for a seat, with so many messages of the room's history.
func joinStanza(occupant, id string, password config.Secret, history int) (string, error) {
	p := stanza.NewPresence(stanza.Attrs{To: occupant, Id: id})
	p.Extensions = append(p.Extensions, stanza.MucPresence{
		Password: password.Reveal(),
		History:  stanza.History{MaxStanzas: stanza.NewNullableInt(history)},
	})
	text, err := xml.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode the join: %w", err)
	}
	return "<presence><priority>-1</priority></presence>" + string(text), nil
}

// presence watches our own seat, and the one that we would like to have.
// Presence of others is of no interest.
func (s *session) presence(e wire.Element) error {
	own := string(e.From) == s.occupant
	answer := string(e.ID) == s.joinID
	switch string(e.Type) {
	case "error":
		if s.phase == joining && (own || answer || string(e.From) == s.room) {
			return s.refused(stanzaError(e))
		}
	case "unavailable":
		if s.phase != joining && own {
			return s.expelled(e)
		}
		if string(e.From) == s.room+"/"+nickOf(s.cfg) {
			s.nickFree.Store(s.nick != nickOf(s.cfg))
		}
	case "":
		if string(e.From) == s.room+"/"+nickOf(s.cfg) {
			s.nickFree.Store(false)
		}
		if s.phase == joining && s.fromRoom(e.From) && len(e.From) > len(s.room)+1 { // not what the room itself says
			return s.seated(e, own, answer)
		}
	}
	return nil
}

// refused tries another nickname if ours is taken, and gives up otherwise.
func (s *session) refused(c *Condition) error {
	if c.Name == "conflict" && s.nicks < maxNicks {
		s.log.Warn("nickname is taken, trying another: "+nickCure, "nick", s.nick, "room", s.room)
		s.nick = nickOf(s.cfg) + "-" + strings.ToLower(rand.Text()[:4])
		s.join()
		return nil
	}
	return joinError(s.room, s.nick, c)
}

// joinError says why a join was refused, and what helps.
func joinError(room, nick string, c *Condition) *Error {
	cure, lasting := joinCure(c)
	return &Error{Op: fmt.Sprintf("join %s as %q", room, nick), Err: c, Cure: cure, Lasting: lasting}
}

// seated looks for our own presence: we are in, and the history follows.
func (s *session) seated(e wire.Element, own, answer bool) error {
	x, err := mucUser(e)
	switch {
	case err != nil && (own || answer):
		return fmt.Errorf("join %s: %w", s.room, err)
	case err != nil, !x.ours(own, answer):
		return nil //nolint:nilerr // what it says of others is of no interest
	}
	s.occupant = string(e.From)
	s.nick = s.occupant[len(s.room)+1:]
	if x.has(statusCreated) && !s.cfg.RoomCreate {
		s.cancel()
		return nil
	}
	if x.has(statusCreated) {
		s.configure()
	}
	s.role, s.affiliation = x.Item.Role, x.Item.Affiliation
	if s.role == roleVisitor {
		s.log.Warn("cannot post", "room", s.room, "error", s.mute())
	}
	s.catchUp()
	return nil
}

// cancel takes back the making of a room that nobody asked for (XEP-0045,
// 10.1.2). Some services would keep it, locked, and let nobody in but us: what
// we posted there nobody would see. The answer ends the stay.
func (s *session) cancel() {
	s.out.text(fmt.Sprintf("<iq type='set' to='%s' id='%s%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"+
		"<x xmlns='jabber:x:data' type='cancel'/></query></iq>", wire.Escape(s.room), s.askID, cancelSuffix))
}

// roleVisitor is that of an occupant who may only listen (XEP-0045, 5.1).
const roleVisitor = "visitor"

// mute says that the room does not let us post.
func (s *session) mute() error {
	return &Error{Op: "post to " + s.room, Err: errMute, Cure: muteCure, Lasting: true}
}

// notCreated says that there is no room, and that we make none.
func notCreated(room string) error {
	return &Error{
		Op: "join " + room, Err: errors.New("the room does not exist"),
		Cure: missingCure, Lasting: true,
	}
}

// configure makes a new room persistent, which also unlocks it (XEP-0045,
// 10.1.3). Some services refuse a form with a field that they do not know, so
// it has no other.
func (s *session) configure() {
	s.out.text(fmt.Sprintf("<iq type='set' to='%s' id='%s%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"+
		"<x xmlns='jabber:x:data' type='submit'>"+
		"<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"+
		"<field var='muc#roomconfig_persistentroom'><value>1</value></field>"+
		"</x></query></iq>", wire.Escape(s.room), s.askID, configureSuffix))
	s.log.Info("room created", "room", s.room)
}

// ping asks the room for an occupant: for ourselves it is a self-ping (XEP-0410).
func (s *session) ping(occupant, suffix string) {
	s.out.text(fmt.Sprintf("<iq type='get' to='%s' id='%s%s'><ping xmlns='urn:xmpp:ping'/></iq>",
		wire.Escape(occupant), s.askID, suffix))
}
