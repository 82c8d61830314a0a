package sink

import (
	"fmt"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

const (
	// archivePage is how many messages one query asks for, and archivePages
	// how often it is asked at least. Prosody gives 50 at most.
	archivePage  = 50
	archivePages = 4
	// archivePagesMost is how often if something of ours is unconfirmed, because
	// other workers may have posted a lot since; and within archiveLimit, until
	// archiveSpan is covered. A worker that is new may be given what another
	// posted before it died: as long ago as the broker waits for the dead.
	archivePagesMost = 100
	archiveSpan      = 2 * time.Minute
	archiveLimit     = 5 * time.Second
)

// archive is what is asked of the room's archive, and how far it has told.
type archive struct {
	answers bool      // there is one
	pages   int       // asked for
	asked   time.Time // the first of them
	queryID string    // of what it tells
	// newest and oldest are when the room got what it has told.
	newest, oldest time.Time
}

// query asks the archive for the messages before one, "" for the last ones.
func (s *session) query(before string) {
	if s.catchup.archive.pages++; s.catchup.archive.pages == 1 {
		s.catchup.archive.asked = time.Now()
	}
	s.ask(s.occupant.room, "set", fmt.Sprintf("<query xmlns='%s' queryid='%s'><set xmlns='http://jabber.org/protocol/rsm'><max>%d</max><before>%s</before></set></query>",
		muc.NSArchive, s.catchup.archive.queryID, archivePage, wire.Escape(before)), s.page)
}

// archived takes one message of the archive: <result> around <forwarded>
// around the message as the room showed it.
func (s *session) archived(e wire.Element) error {
	if result := e.Child("result", muc.NSArchive); string(result.Attr("queryid")) == s.catchup.archive.queryID {
		s.forwarded(result.Child("forwarded", ""))
	}
	return nil
}

// forwarded takes one message of the archive, and when the room got it.
func (s *session) forwarded(e wire.Element) {
	at, _ := delay(e)
	s.catchup.archive.date(at)
	for m := range e.Children() {
		if !m.Is("message") || !s.occupant.inRoom(m.From) {
			continue
		}
		own, covered, at := string(m.From) == s.occupant.address, s.catchup.covers(at), s.learned.clock.ours(at)
		for _, id := range [][]byte{m.ID, originID(m)} {
			if len(id) > 0 {
				s.box.Archived(id, m.From, own, covered, at)
				s.noteDetails(id, m, own, at)
			}
		}
	}
}

// page takes the end of one answer of the archive. More is asked for until
// something is there that we knew, or enough.
func (s *session) page(a conn.Answer) error {
	if s.phase != catching {
		return nil
	}
	if c := a.Refused(); c != nil {
		s.log.Warn("the archive of the room does not answer", "room", s.occupant.room, "error", c)
		s.learned.archive = false
		s.catchup.archive.answers = false
		s.enter()
		return nil
	}
	s.learned.archive = true
	first, complete := endOfPage(a)
	if complete || first == "" || s.catchup.archive.pages >= s.catchup.archive.limit(s.box.Unconfirmed()) || s.box.HistoryReached() {
		s.enter()
		return nil
	}
	s.query(first)
	return nil
}

// endOfPage says what the page began with, and whether the archive has no more.
func endOfPage(a conn.Answer) (first string, complete bool) {
	fin := a.Child("fin", muc.NSArchive)
	set := fin.Child("set", "")
	item := set.Child("first", "")
	return item.Text(), string(fin.Attr("complete")) == "true"
}

// date notes when the room got a message of the archive.
func (a *archive) date(at time.Time) {
	if at.IsZero() {
		return
	}
	if at.After(a.newest) {
		a.newest = at
	}
	if a.oldest.IsZero() || at.Before(a.oldest) {
		a.oldest = at
	}
}

// limit is how many pages the archive is asked for.
func (a *archive) limit(unconfirmed bool) int {
	if unconfirmed || a.newest.Sub(a.oldest) < archiveSpan && time.Since(a.asked) < archiveLimit {
		return archivePagesMost
	}
	return archivePages
}
