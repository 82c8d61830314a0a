package sink

import (
	"errors"
	"fmt"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// expelled says why the room put us out.
func (s *session) expelled(e wire.Element) error {
	x, err := mucUser(e)
	if err != nil {
		return fmt.Errorf("left %s: %w", s.room, err)
	}
	why, cure := x.reason()
	end := &Error{Op: "stay in " + s.room, Err: x.removal(why), Cure: cure, Lasting: x.has(statusBanned)}
	switch {
	case s.phase != inRoom || !errors.Is(end, errGone) && !x.has(statusShutdown):
		return end
	case s.gone == nil: // the server may be about to go down as well, and say so
		s.gone = end
		_ = s.stream.tcp.SetReadDeadline(time.Now().Add(lastWords)) // fails only if it is closed
	}
	return nil
}

// Status codes of XEP-0045, 15.6.
const (
	statusSelf        = 110
	statusCreated     = 201
	statusRenamed     = 210
	statusBanned      = 301
	statusKicked      = 307
	statusAffiliation = 321
	statusMembersOnly = 322
	statusShutdown    = 332
	statusError       = 333
)

// userInfo is what a room says about one of its occupants.
type userInfo struct {
	Status []struct {
		Code int `xml:"code,attr"`
	} `xml:"status"`
	Item struct {
		Role        string `xml:"role,attr"`
		Affiliation string `xml:"affiliation,attr"`
		Reason      string `xml:"reason"`
	} `xml:"item"`
	Destroy *struct {
		JID    string `xml:"jid,attr"`
		Reason string `xml:"reason"`
	} `xml:"destroy"`
}

// mucUser reads the room's part of a presence. It is the last of its kind: a
// service that passes on what occupants put there appends its own.
func mucUser(e wire.Element) (userInfo, error) {
	var part []byte
	for child := range e.Children() {
		if string(child.Name) == "x" && string(child.XMLNS) == "http://jabber.org/protocol/muc#user" {
			part = child.Raw
		}
	}
	var x userInfo
	if part == nil {
		return x, nil
	}
	return x, wire.Decode(part, &x)
}

func (x *userInfo) has(code int) bool {
	for _, s := range x.Status {
		if s.Code == code {
			return true
		}
	}
	return false
}

// ours reports whether a presence is about ourselves. It answers the join, or
// has status 110, and 210 if the nickname is not the one that we asked for. Our
// nickname alone says nothing: the room may be about to give us another,
// because that one is somebody else's.
func (x *userInfo) ours(own, answer bool) bool {
	return answer || x.has(statusSelf) && (own || x.has(statusRenamed))
}

// removal makes an error of why an occupant is gone. Without a code it is not
// the room that wanted it so, but the end of the connection.
func (x *userInfo) removal(why string) error {
	for _, s := range x.Status {
		switch s.Code {
		case statusBanned, statusKicked, statusAffiliation, statusMembersOnly, statusShutdown, statusError:
			return &RemovedError{Code: s.Code, Why: why}
		}
	}
	if x.Destroy != nil {
		return &RemovedError{Why: why}
	}
	return fmt.Errorf("%w: %s", errGone, why)
}

// reason says why an occupant is gone, and what helps.
func (x *userInfo) reason() (why, cure string) {
	with := func(why, reason string) string {
		if reason == "" {
			return why
		}
		return fmt.Sprintf("%s (%.200q)", why, oneLine(reason))
	}
	switch {
	case x.Destroy != nil && x.Destroy.JID != "":
		return with("the room was destroyed", x.Destroy.Reason), fmt.Sprintf("its owner names %.200q as the place to go: set XMPP_ROOM", x.Destroy.JID)
	case x.Destroy != nil:
		return with("the room was destroyed", x.Destroy.Reason), "create it again or change XMPP_ROOM"
	case x.has(statusBanned):
		return with("banned", x.Item.Reason), "ask an owner of the room to lift the ban"
	case x.has(statusKicked):
		return with("kicked", x.Item.Reason), ""
	case x.has(statusAffiliation), x.has(statusMembersOnly):
		return "no longer a member of a members-only room", "make the account a member again"
	case x.has(statusShutdown):
		return "the chat service is shutting down", ""
	case x.has(statusError):
		return "removed because of an error", ""
	default:
		return with("left the room", x.Item.Reason), ""
	}
}
