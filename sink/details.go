package sink

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// noteDetails takes what a message of a worker says of itself.
func (s *session) noteDetails(id []byte, e wire.Element, own bool, at time.Time) {
	d := details(e, s.occupant.id)
	d.Own, d.At = own, at
	if own && len(d.Names) > 0 && s.phase == inRoom {
		s.proof.Reset(outbox.ProvenAfter)
	}
	if s.box.NoteDetails(id, d) {
		s.log.Warn("the room removes an element from messages that digests need: notifications are posted one by one from now on", "room", s.occupant.room, "element", nsDigest)
	}
}

// details reads the elements beside the text. id is our own in the room, which every
// session of our account has (XEP-0421); empty: the room gives none.
func details(e wire.Element, id string) (d outbox.Details) {
	for child := range e.Children() {
		switch string(child.XMLNS) {
		case nsDigest:
			if len(child.Content) <= maxStanzaBytes {
				d.Names = child.Content
			}
		case nsCorrect:
			d.Replaces = child.ID
		case muc.NSOccupantID:
			d.Account = id != "" && string(child.ID) == id
		}
	}
	return d
}

// occupantID is what the room calls whoever a stanza is from, in every session of the
// account and whatever the nickname is (XEP-0421).
func occupantID(e wire.Element) string {
	child := e.Child("occupant-id", muc.NSOccupantID)
	return string(child.ID)
}
