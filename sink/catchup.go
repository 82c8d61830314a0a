package sink

import (
	"fmt"
	"strconv"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// catchup is what happens between our own presence and the first message that
// we send: the room replays its history, and where that tells nothing that we
// knew, its archive is asked (XEP-0313). Together they tell what the room has
// shown while we were not looking.
type catchup struct {
	replayed int       // messages of the history
	done     bool      // the history has ended
	informed bool      // we know whether there is an archive, or will not
	archive  bool      // there is one, and it answers
	pages    int       // asked of the archive
	asked    time.Time // the first of them
	// newest and oldest are when the room showed what the archive has told.
	newest, oldest time.Time
}

const (
	// archivePage is how many messages one query asks for, and archivePages
	// how often it is asked at least. Prosody gives 50 at most.
	archivePage  = 50
	archivePages = 4
	// archivePagesMost is how often if something of ours is in doubt, because
	// other workers may have posted a lot since; and within archiveLimit, until
	// archiveSpan is covered. A worker that is new may be given what another
	// posted before it died: as long ago as the broker waits for the dead.
	archivePagesMost = 100
	archiveSpan      = 2 * time.Minute
	archiveLimit     = 5 * time.Second

	nsArchive = "urn:xmpp:mam:2"
)

// catchUp asks the room what it can tell, and for the end of its history.
// Rooms without a topic may not mark the end. They handle our stanzas in
// order, so an answer to the last request comes after it. The one before says
// whether it is the room that answers: it cannot for somebody who is not there.
func (s *session) catchUp() {
	s.phase = catching
	s.askUptime()
	s.out.text(fmt.Sprintf("<iq type='get' to='%s' id='%s%s'>%s</iq>", wire.Escape(s.room), s.askID, infoSuffix, askInfo))
	s.ping(s.room+"/"+s.askID, nobodySuffix)
	s.ping(s.occupant, fenceSuffix)
}

// info takes the room's description.
func (s *session) info(e wire.Element) error {
	if s.phase != catching {
		return nil
	}
	s.catchup.informed = true
	for query := range e.Children() {
		for feature := range query.Children() {
			if string(feature.Name) == "feature" && string(feature.Attr("var")) == nsArchive {
				s.catchup.archive = !s.skipArchive
			}
		}
	}
	return s.advance()
}

// fence takes the answer that comes after the history. Whatever the room did
// not say by then it will not say.
//
// If our server answers for the room, that tells nothing: the history may be on
// its way to us yet. What we say to ourselves goes the same way, behind it.
func (s *session) fence() error {
	s.catchup.informed = true
	if s.answeredFor {
		s.out.text(fmt.Sprintf("<message type='headline' to='%s' id='%s%s'/>", wire.Escape(s.me), s.askID, echoSuffix))
		return nil
	}
	s.catchup.done = true
	return s.advance()
}

// echo takes what we have said to ourselves, or that it cannot be passed on.
func (s *session) echo() error {
	s.catchup.done = true
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
	case s.phase != catching || !c.done || !c.informed || c.pages > 0:
	case c.archive && !s.box.remembered():
		s.ask("")
	default:
		s.enter()
	}
	return nil
}

// ask queries the archive for the messages before one, "" for the last ones.
func (s *session) ask(before string) {
	if s.catchup.pages++; s.catchup.pages == 1 {
		s.catchup.asked = time.Now()
	}
	s.out.text(fmt.Sprintf("<iq type='set' to='%s' id='%s%s'><query xmlns='%s' queryid='%s'>"+
		"<set xmlns='http://jabber.org/protocol/rsm'><max>%d</max><before>%s</before></set></query></iq>",
		wire.Escape(s.room), s.askID, archiveSuffix, nsArchive, s.askID, archivePage, wire.Escape(before)))
}

// archived takes one message of the archive: <result> around <forwarded>
// around the message as the room showed it.
func (s *session) archived(e wire.Element) error {
	for result := range e.Children() {
		if string(result.Name) != "result" || string(result.XMLNS) != nsArchive || string(result.Attr("queryid")) != s.askID {
			continue
		}
		for forwarded := range result.Children() {
			for m := range forwarded.Children() {
				if m.Is("message") && s.fromRoom(m.From) {
					s.shown(m)
				} else if string(m.Name) == "delay" {
					s.catchup.date(string(m.Attr("stamp")))
				}
			}
		}
	}
	return nil
}

// page takes the end of one answer of the archive. More is asked for until
// something is there that we knew, or enough.
func (s *session) page(e wire.Element) error {
	if s.phase != catching {
		return nil
	}
	if string(e.Type) == "error" {
		s.log.Warn("the archive of the room does not answer", "room", s.room, "error", stanzaError(e))
		s.catchup.archive = false
		s.enter()
		return nil
	}
	first, complete := "", true
	for fin := range e.Children() {
		complete = string(fin.Attr("complete")) == "true"
		for set := range fin.Children() {
			for item := range set.Children() {
				if string(item.Name) == "first" {
					first = item.Text()
				}
			}
		}
	}
	if complete || first == "" || s.catchup.pages >= s.catchup.limit(s.box.inDoubt()) || s.box.reached() {
		s.enter()
		return nil
	}
	s.ask(first)
	return nil
}

// date notes when the room showed a message of the archive.
func (c *catchup) date(stamp string) {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return
	}
	if at.After(c.newest) {
		c.newest = at
	}
	if c.oldest.IsZero() || at.Before(c.oldest) {
		c.oldest = at
	}
}

// limit is how many pages the archive is asked for.
func (c *catchup) limit(inDoubt bool) int {
	if inDoubt || c.newest.Sub(c.oldest) < archiveSpan && time.Since(c.asked) < archiveLimit {
		return archivePagesMost
	}
	return archivePages
}

// measure keeps what is on its way within what the history can tell.
func (s *session) measure() {
	holds := s.depth.told(s.catchup.replayed, s.box.forgot())
	if s.catchup.archive || holds == 0 || holds >= s.cfg.MaxInFlight {
		return
	}
	if s.box.places.narrow(holds) {
		s.log.Warn("the room's history is shorter than XMPP_MAX_IN_FLIGHT, so fewer messages are sent at once: let it keep more, or lower XMPP_MAX_IN_FLIGHT",
			"room", s.room, "history", holds, "max_in_flight", s.cfg.MaxInFlight)
	}
}

// historyDepth is how many of ours the room can tell a worker that knows nothing. It
// can tell as many as the archive is asked for at least, or as the history has
// just told; half of them are left to others, who may post in between.
func (s *session) historyDepth() int {
	told := min(s.catchup.replayed, s.cfg.History())
	if s.catchup.archive {
		told = max(told, archivePage*archivePages)
	}
	return max(told/2, s.box.places.width())
}

// memory says for the log what the room can tell after an interruption.
func (s *session) memory() string {
	switch {
	case s.catchup.archive:
		return "archive"
	case s.catchup.replayed > 0:
		return "history of " + strconv.Itoa(s.catchup.replayed) + " or more"
	default:
		return "none seen: if the room keeps no history, up to three times XMPP_MAX_IN_FLIGHT messages may be shown twice when the connection breaks"
	}
}
