package muc

import (
	"errors"
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

// Removed says why our presence in a room has ended. It is the last word of the
// room, unless its service or its server is about to go down.
func Removed(room string, x User) (end *conn.Error, last bool) {
	why, fix := x.reason()
	end = &conn.Error{Kind: KindRemoved, Op: "stay in " + room, Err: x.removal(why), Fix: fix, Lasting: x.Has(StatusBanned)}
	return end, !errors.Is(end, ErrGone) && !x.Has(StatusShutdown)
}

// removal makes an error of why an occupant is gone. Without a code it is not
// the room that wanted it so, but the end of the connection.
func (x *User) removal(why string) error {
	for _, s := range x.Status {
		switch s.Code {
		case StatusBanned, StatusKicked, StatusAffiliation, StatusMembersOnly, StatusShutdown, StatusError:
			return &RemovedError{Code: s.Code, Why: why}
		}
	}
	if x.Destroy != nil {
		return &RemovedError{Why: why}
	}
	return fmt.Errorf("%w: %s", ErrGone, why)
}

// reason says why an occupant is gone, and what helps.
func (x *User) reason() (why, fix string) {
	with := func(why, reason string) string {
		if reason == "" {
			return why
		}
		return fmt.Sprintf("%s (%.200q)", why, conn.OneLine(reason))
	}
	switch {
	case x.Destroy != nil && x.Destroy.JID != "":
		return with("the room was destroyed", x.Destroy.Reason), moved(x.Destroy.JID)
	case x.Destroy != nil:
		return with("the room was destroyed", x.Destroy.Reason), fixAgain
	case x.Has(StatusBanned):
		return with("banned", x.Item.Reason), "ask an owner of the room to lift the ban"
	case x.Has(StatusKicked):
		return with("kicked", x.Item.Reason), ""
	case x.Has(StatusAffiliation), x.Has(StatusMembersOnly):
		return "no longer a member of a members-only room", "make the account a member again"
	case x.Has(StatusShutdown):
		return "the chat service is shutting down", ""
	case x.Has(StatusError):
		return "removed because of an error", ""
	default:
		return with("left the room", x.Item.Reason), ""
	}
}
