package muc

import (
	"errors"
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/jid"
)

// Fixes that more than one place names.
const (
	FixNick    = "set XMPP_NICK to one that nobody else has"
	FixVoice   = "the room is moderated and we have no voice: give the account of XMPP_JID a voice or membership"
	FixService = "no chat rooms there: check the service in XMPP_ROOM"
	FixMissing = "create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true"
)

// fixJoin tells what to do about the refusal of a join (XEP-0045, 7.2).
func fixJoin(c *conn.Condition) (fix string, lasting bool) {
	switch c.Name {
	case "not-authorized":
		return "the room has a password: set XMPP_ROOM_PASSWORD to it", true
	case "registration-required":
		return "the room is for members only: make the account of XMPP_JID a member", true
	case "forbidden":
		return "the account is banned from the room: ask an owner of the room to lift the ban", true
	case "conflict":
		return "all nicknames that were tried are taken: set XMPP_NICK to another", true
	case "not-acceptable":
		return "the room does not take this nickname: set XMPP_NICK to the one that is reserved for the account", true
	case "gone", "redirect":
		if c.Elsewhere != "" {
			return fmt.Sprintf("its owner names %.200q as the place to go: set XMPP_ROOM", jid.Named(c.Elsewhere)), true
		}
		return "create the room again or change XMPP_ROOM", true
	case "resource-constraint":
		return "the room is full: raise its number of occupants, or make the account an admin of the room", false
	case "item-not-found", "recipient-unavailable":
		return "the room does not exist or is locked: create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true", true
	case "not-allowed":
		return "the account may not create the room, or the service of XMPP_ROOM is wrong: create the room or correct XMPP_ROOM", true
	case "remote-server-not-found", "service-unavailable":
		switch {
		case c.Type == "wait":
			return "the room may be full", false
		case c.Name == "service-unavailable" && c.Text != "": // Openfire says so of a full room
			return "the room may be full (raise its number of occupants), or " + FixService, false
		default:
			return FixService, true
		}
	case "policy-violation":
		if c.Type == "wait" {
			return "the room limits how often it may be joined: nothing to do if that passes", false
		}
		return "", false
	case "jid-malformed", "bad-request": // ejabberd 23.01 says so of an emoji
		return "correct XMPP_ROOM or XMPP_NICK; older servers take no emoji in a nickname", true
	default:
		return "", false
	}
}

// FixPost tells what to do about a bounced message.
func FixPost(c *conn.Condition) string {
	if c.Name == "forbidden" {
		return FixVoice
	}
	return ""
}

// JoinError says why a join was refused, and what helps.
func JoinError(room, nick string, c *conn.Condition) *conn.Error {
	fix, lasting := fixJoin(c)
	return &conn.Error{Kind: KindJoin, Op: fmt.Sprintf("join %s as %q", room, nick), Err: c, Fix: fix, Lasting: lasting}
}

// ServiceError says why a chat service told nothing of itself.
func ServiceError(service string, c *conn.Condition, why error) *conn.Error {
	fix, lasting := fixJoin(c)
	return &conn.Error{Kind: KindJoin, Op: "ask " + service + " what it is", Err: why, Fix: fix, Lasting: lasting}
}

// NotCreated says that there is no room, and that we make none.
func NotCreated(room string) error {
	return &conn.Error{Kind: KindJoin, Op: "join " + room, Err: errors.New("the room does not exist"), Fix: FixMissing, Lasting: true}
}

// NotChat says that the service in XMPP_ROOM is something else. More is said of
// where rooms are, or empty.
func NotChat(service, more string) error {
	return &conn.Error{Kind: KindJoin, Op: "join a room of " + service, Err: fmt.Errorf("%w%s", errNoRooms, more), Fix: FixService, Lasting: true}
}

// NoVoice says that the room does not let us post.
func NoVoice(room string) error {
	return &conn.Error{Kind: KindBounced, Op: "post to " + room, Err: errNoVoice, Fix: FixVoice, Lasting: true}
}

// RoomGone says that there is no room any more.
func RoomGone(room string, c *conn.Condition) error {
	fix, lasting := fixJoin(c)
	return &conn.Error{Kind: KindJoin, Op: "join " + room, Err: c, Fix: fix, Lasting: lasting}
}
