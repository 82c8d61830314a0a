package sink

import (
	"bytes"
	"crypto/rand"
	"strings"
	"sync/atomic"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/jid"
)

// occupant is who we are in the room.
type occupant struct {
	room, service     string
	preferred         string // the nickname that we want
	nick              string
	address           string // room/nick, as the room writes it
	joinID            string // of our join, which some services show to everybody
	id                string // by which the room knows our account (XEP-0421), empty if it does not
	tries             int    // how many nicknames have been tried
	role, affiliation string
	nickFree          atomic.Bool // we have another than the preferred nickname, and that is free
}

// maxNicks is how many nicknames are tried in one session.
const maxNicks = 5

// ask begins a join under the present nickname.
func (o *occupant) ask() {
	o.joinID = rand.Text()
	o.tries++
	o.address = o.room + "/" + o.nick
}

// respell takes the room's address as the service writes it. One that prepares
// addresses by RFC 6122 answers for straße as strasse. from is that of an answer to
// our join.
func (o *occupant) respell(from []byte) (changed bool) {
	bare, _, _ := strings.Cut(string(from), "/")
	if bare == o.room || !jid.Same(bare, o.room) {
		return false
	}
	o.room, o.address = bare, bare+"/"+o.nick
	return true
}

// another takes another nickname, if that may be tried.
func (o *occupant) another() bool {
	if o.tries >= maxNicks {
		return false
	}
	o.nick = o.preferred + "-" + strings.ToLower(rand.Text()[:4])
	return true
}

// admitted takes the address that the room gives us.
func (o *occupant) admitted(address, role, affiliation string) {
	o.address, o.role, o.affiliation = address, role, affiliation
	o.nick = address[len(o.room)+1:]
}

// wanted is the address that we would like to have.
func (o *occupant) wanted() string { return o.room + "/" + o.preferred }

// official reports whether from speaks for the room. Services differ in who an
// answer or an error is from, but it is never another occupant: they could
// make one up.
func (o *occupant) official(from []byte) bool {
	f := string(from)
	return f == o.room || f == o.service || f == o.address
}

// inRoom reports whether from is the room or somebody in it.
func (o *occupant) inRoom(from []byte) bool {
	bare, _, _ := bytes.Cut(from, []byte("/"))
	return string(bare) == o.room
}
