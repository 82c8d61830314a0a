package sink

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// catchup is what happens between our own presence and the first message that
// we send: the room replays its history, and where that tells nothing that we
// knew, its archive is asked (XEP-0313). Together they tell what the room has
// shown while we were not looking.
type catchup struct {
	replayed  int       // messages of the history
	since     time.Time // the oldest of them
	done      bool      // the history has ended
	informed  bool      // we know whether there is an archive, or will not
	archive   archive
	accounts  bool   // readers are told which messages are of one account
	echoID    string // of what we say to ourselves; fixed
	noAnswers bool   // the room answers no request
	described bool   // it has told what it is
	moderated bool   // nobody may post without a voice
	// answeredFor says that our server answers for the room.
	answeredFor atomic.Bool
}

// catchUp asks the room what it can tell, and for the end of its history.
// Rooms without a topic may not mark the end. They handle our stanzas in
// order, so an answer to the last request comes after it. The one before says
// whether it is the room that answers: it cannot for somebody who is not there.
func (s *session) catchUp() {
	s.phase = catching
	s.catchup.archive.queryID = rand.Text()
	s.askUptime()
	s.ask(s.occupant.room, "get", muc.AskInfo, s.info)
	s.request(conn.Request{To: s.occupant.room + "/" + rand.Text(), Type: "get", Payload: ping, Answer: s.nobody})
	s.ping(func(conn.Answer) error { return s.historySent() })
}

// info takes the room's description.
func (s *session) info(a conn.Answer) error {
	if s.phase != catching {
		return nil
	}
	var room muc.Info
	_ = wire.Decode(a.Raw, &room) // what fails to be read was not told
	c := &s.catchup
	c.informed, c.described = true, !a.Failed()
	c.archive.answers = room.Has(muc.NSArchive) && !s.learned.skipArchive
	c.accounts, c.moderated = room.Has(muc.NSOccupantID), room.Has(muc.Moderated)
	return s.advance()
}

// nobody takes the answer for somebody who is not there.
func (s *session) nobody(a conn.Answer) error {
	s.catchup.answeredFor.Store(!a.Failed())
	return nil
}

// historySent takes the answer that comes after the history. Whatever the room did
// not say by then it will not say.
//
// If our server answers for the room, that tells nothing: the history may be on
// its way to us yet. A message to ourselves goes the same way, behind it.
func (s *session) historySent() error {
	s.catchup.informed = true
	if s.catchup.answeredFor.Load() {
		s.messageSelf()
		return nil
	}
	s.catchup.done = true
	return s.advance()
}

// messageSelf sends a message that our server alone handles.
func (s *session) messageSelf() {
	s.conn.Send(fmt.Sprintf("<message type='headline' to='%s' id='%s'/>", wire.Escape(s.conn.JID), s.catchup.echoID))
}

// echo takes the message to ourselves, or that it cannot be passed on. What the
// room has not answered by then it will not answer.
func (s *session) echo() error {
	s.catchup.noAnswers = !s.catchup.informed
	s.catchup.done, s.catchup.informed = true, true
	return s.advance()
}

// topic takes the message that ends the history (XEP-0045, 7.2.15).
func (s *session) topic() error {
	s.catchup.done = true
	return s.advance()
}

// advance goes on to the archive, or starts sending, when it is time.
func (s *session) advance() error {
	c := &s.catchup
	switch {
	case s.phase != catching || !c.done || !c.informed || c.archive.pages > 0:
	case c.archive.answers && !s.box.HistoryComplete():
		s.query("")
	default:
		s.enter()
	}
	return nil
}

// archive reports whether the room has an archive that answers.
func (s *session) archive() bool { return s.catchup.archive.answers && s.learned.archive }

// replay notes a message of the history, and returns when the room got it. What is
// shown live meanwhile has no date.
func (c *catchup) replay(e wire.Element) time.Time {
	at, delayed := delay(e)
	if c.done || !delayed {
		return time.Time{}
	}
	c.replayed++
	if c.since.IsZero() || at.Before(c.since) {
		c.since = at
	}
	return at
}

// covers reports whether the history goes back beyond at.
func (c *catchup) covers(at time.Time) bool { return !c.since.IsZero() && at.After(c.since) }

// delay is when the room got a message that it shows later (XEP-0203).
func delay(e wire.Element) (time.Time, bool) {
	for child := range e.Children() {
		stamp := string(child.Attr("stamp"))
		switch string(child.XMLNS) {
		case "urn:xmpp:delay":
			at, err := time.Parse(time.RFC3339, stamp)
			return at, err == nil
		case "jabber:x:delay": // XEP-0091, before that
			at, err := time.Parse("20060102T15:04:05", stamp)
			return at, err == nil
		}
	}
	return time.Time{}, false
}

// measure keeps what is in flight within what the history can tell, for as long as
// it is so short.
func (s *session) measure() {
	holds := s.learned.depth.note(s.catchup.replayed, s.box.HistoryLost())
	if s.archive() || holds == 0 {
		holds = s.cfg.MaxInFlight
	}
	if s.box.Limit(holds) {
		s.log.Warn("the room's history is shorter than XMPP_MAX_IN_FLIGHT, so fewer messages are sent at once: let it keep more, or lower XMPP_MAX_IN_FLIGHT",
			"room", s.occupant.room, "history", holds, "max_in_flight", s.cfg.MaxInFlight)
	}
}

// historyDepth is how many of ours the room can tell a worker that knows nothing. It
// can tell as many as the archive is asked for at least, or as the history has
// just told; half of them are left to others, who may post in between.
func (s *session) historyDepth() int {
	told := min(s.catchup.replayed, s.cfg.History())
	if s.archive() {
		told = max(told, archivePage*archivePages)
	}
	return max(told/2, s.box.Width())
}

// describe is what the session knows when it enters the room.
func (s *session) describe() Session {
	return Session{
		Occupant: s.occupant.address, Nick: s.occupant.nick, Role: s.occupant.role, Affiliation: s.occupant.affiliation,
		MaxStanzaBytes: s.format.maxBytes, History: s.catchup.replayed, Archive: s.archive(), HistoryText: s.historyText(),
	}
}

// historyText says for the log what the worker can look up after a reconnect.
func (s *session) historyText() string {
	switch {
	case s.archive():
		return "archive"
	case s.catchup.replayed > 0:
		return strconv.Itoa(s.catchup.replayed) + " messages or more"
	default:
		return "none seen: if the room keeps none, up to three times XMPP_MAX_IN_FLIGHT messages may be shown twice when the connection breaks"
	}
}

// enter starts sending: we are in the room and know its history.
func (s *session) enter() {
	s.phase = inRoom
	s.measure()
	s.box.LimitMembers(membersWithin(s.format.maxBytes))
	s.box.SetArchive(s.archive())
	s.box.CorrectByAccount(s.catchup.accounts && s.occupant.id != "")
	close(s.entered)
	s.checkVoice()
	s.returned()
	if resent, possible := s.box.Attach(s, s.occupant.address); resent > 0 {
		s.log.Info("resent unconfirmed messages", "count", resent, "possible_duplicates", possible)
		s.observer.tell(Event{Kind: Resent, Resent: resent, PossibleDuplicates: possible})
	}
	s.onEnter()
	s.Room.entered(s)
}
