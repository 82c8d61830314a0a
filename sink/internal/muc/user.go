package muc

import (
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// RoleVisitor is that of an occupant who may only listen (XEP-0045, 5.1).
const RoleVisitor = "visitor"

// Status codes of XEP-0045, 15.6.
const (
	StatusSelf        = 110
	StatusCreated     = 201
	StatusRenamed     = 210
	StatusBanned      = 301
	StatusNewNick     = 303
	StatusKicked      = 307
	StatusAffiliation = 321
	StatusMembersOnly = 322
	StatusShutdown    = 332
	StatusError       = 333
)

// User is what a room says about one of its occupants.
type User struct {
	Status []struct {
		Code int `xml:"code,attr"`
	} `xml:"status"`
	Item struct {
		Role        string `xml:"role,attr"`
		Affiliation string `xml:"affiliation,attr"`
		Nick        string `xml:"nick,attr"`
		Reason      string `xml:"reason"`
	} `xml:"item"`
	Destroy *struct {
		JID    string `xml:"jid,attr"`
		Reason string `xml:"reason"`
	} `xml:"destroy"`
}

// ReadUser reads the room's part of a presence. It is the last of its kind: a
// service that passes on what occupants put there appends its own.
func ReadUser(e wire.Element) (User, error) {
	var part []byte
	for child := range e.Children() {
		if string(child.Name) == "x" && string(child.XMLNS) == "http://jabber.org/protocol/muc#user" {
			part = child.Raw
		}
	}
	var x User
	if part == nil {
		return x, nil
	}
	return x, wire.Decode(part, &x)
}

// Has reports whether a status code is there.
func (x *User) Has(code int) bool {
	for _, s := range x.Status {
		if s.Code == code {
			return true
		}
	}
	return false
}

// Ours reports whether a presence is about ourselves. It answers the join, or
// has status 110, and 210 if the nickname is not the one that we asked for. Our
// nickname alone says nothing: the room may be about to give us another,
// because that one is somebody else's.
func (x *User) Ours(own, answer bool) bool {
	return answer || x.Has(StatusSelf) && (own || x.Has(StatusRenamed))
}

// removal is a status of an occupant who is gone, with what helps.
type removal struct {
	code     int // 0: none
	why, fix string
}

// removals are those that a room gives a reason for (XEP-0045, 15.6). Without one it is not the
// room that wanted it so, but the end of the connection.
func removals() []removal {
	const lost, again = "no longer a member of a members-only room", "make the account a member again"
	return []removal{
		{StatusBanned, "banned", "ask an owner of the room to lift the ban"},
		{StatusKicked, "kicked", ""},
		{StatusAffiliation, lost, again},
		{StatusMembersOnly, lost, again},
		{StatusShutdown, "the chat service is shutting down", ""},
		{StatusError, "removed because of an error", ""},
	}
}

// Removed says why our presence in a room has ended. It is the last word of the
// room, unless its service or its server is about to go down.
func Removed(room string, x User) (end *conn.Error, last bool) {
	gone, reason := removal{why: "left the room"}, x.Item.Reason
	for _, known := range removals() {
		if gone.code == 0 && x.Has(known.code) {
			gone = known
		}
	}
	if x.Destroy != nil {
		gone.why, gone.fix, reason = "the room was destroyed", fixAgain, x.Destroy.Reason
		if x.Destroy.JID != "" {
			gone.fix = moved(x.Destroy.JID)
		}
	}
	if reason != "" {
		gone.why = fmt.Sprintf("%s (%.200q)", gone.why, conn.OneLine(reason))
	}
	end = &conn.Error{Kind: KindRemoved, Op: "stay in " + room, Fix: gone.fix, Lasting: gone.code == StatusBanned}
	if gone.code == 0 && x.Destroy == nil {
		end.Err = fmt.Errorf("%w: %s", ErrGone, gone.why)
		return end, false
	}
	end.Err = &RemovedError{Code: gone.code, Why: gone.why}
	return end, !x.Has(StatusShutdown)
}
