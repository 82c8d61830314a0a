package muc

import (
	"errors"
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/jid"
)

// Fixes that are used more than once.
const (
	FixNick    = "set XMPP_NICK to one that nobody else has"
	FixVoice   = "the room is moderated and the account has no voice: grant the account of XMPP_JID voice or membership"
	FixService = "no chat rooms there: check the service in XMPP_ROOM"
	FixMissing = "create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true"
	fixRule    = "a rule of the room or its server refuses messages: exempt the account of XMPP_JID from it"
	fixTimeout = "check that the server of XMPP_ROOM runs, and that the servers reach each other (s2s)"
	fixPayment = "the service requires payment: ask its provider to admit the account of XMPP_JID"
	fixAsk     = "the service requires a subscription: ask its administrator to admit the account of XMPP_JID"
	fixAgain   = "create the room again or change XMPP_ROOM"
	fixFormat  = "correct XMPP_ROOM or XMPP_NICK; older servers refuse emoji in a nickname"
	fixNone    = "the room does not exist or is locked: create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true"
)

// refusal is what helps against a condition: of a join (XEP-0045, 7.2), and of a message.
type refusal struct {
	join, message string
	temporary     bool // waiting may suffice
}

// refusals are those for the conditions of a stanza (RFC 6120, 8.3.3, and RFC 3920, 9.3.3). Others
// may be temporary, and only the log of the server has more.
func refusals() map[string]refusal {
	return map[string]refusal{
		"bad-request":             {fixFormat, fixRule, false}, // ejabberd 23.01 says so of an emoji
		"conflict":                {"all nicknames that were tried are taken: set XMPP_NICK to another", conn.FixLog, false},
		"feature-not-implemented": {FixService, FixService, false},
		"forbidden":               {"the account is banned from the room: ask an owner of the room to lift the ban", FixVoice, false},
		"gone":                    {fixAgain, fixAgain, false},
		"item-not-found":          {fixNone, fixNone, false},
		"jid-malformed":           {fixFormat, fixFormat, false},
		"not-acceptable":          {"the room refuses this nickname: set XMPP_NICK to the one that is reserved for the account", fixRule, false},
		"not-allowed":             {"the account may not create the room (create it on the server), or " + FixService, fixRule, false},
		"not-authorized":          {"the room has a password: set XMPP_ROOM_PASSWORD to it", fixRule, false},
		"payment-required":        {fixPayment, fixPayment, false},
		"policy-violation":        {"the room limits how often it may be joined, or a rule forbids it: exempt the account of XMPP_JID, if that persists", fixRule, true},
		"recipient-unavailable":   {fixNone, fixNone, false},
		"redirect":                {fixAgain, fixAgain, false},
		"registration-required":   {"the room is for members only: make the account of XMPP_JID a member", "make the account of XMPP_JID a member of the room", false},
		"remote-server-not-found": {FixService, FixService, false},
		"remote-server-timeout":   {fixTimeout, fixTimeout, true},
		"resource-constraint":     {"the room is full: raise its number of occupants, or make the account an admin of the room", "raise the limit of the room or its server that was reached", true},
		"service-unavailable":     {"the room may be full (raise its number of occupants), or " + FixService, "start the chat service, if it does not come back; else " + fixRule, true},
		"subscription-required":   {fixAsk, fixAsk, false},
	}
}

// refusalOf is what helps against a condition.
func refusalOf(c *conn.Condition) refusal {
	r, known := refusals()[c.Name]
	switch {
	case !known:
		return refusal{conn.FixLog, conn.FixLog, true}
	case c.Elsewhere != "" && (c.Name == "gone" || c.Name == "redirect"):
		r.join = moved(c.Elsewhere)
		r.message = r.join
	}
	r.temporary = r.temporary || c.Type == "wait"
	return r
}

// moved is the fix for a room with an alternate venue.
func moved(address string) string {
	return fmt.Sprintf("its owner names %.200q as the place to go: set XMPP_ROOM", jid.Named(address))
}

// JoinError says why a join, in words (op), was refused, and what helps.
func JoinError(op string, c *conn.Condition) *conn.Error {
	r := refusalOf(c)
	return &conn.Error{Kind: KindJoin, Op: op, Err: c, Fix: r.join, Lasting: !r.temporary}
}

// PostError says why a room shows no messages, and what helps.
func PostError(room string, c *conn.Condition) *conn.Error {
	return &conn.Error{Kind: KindBounced, Op: "post to " + room, Err: c, Fix: refusalOf(c).message}
}

// ErrNoRooms is what is wrong with a service that is something else.
var ErrNoRooms = errors.New("it is no chat service")

// NotChat says what is wrong with the service in XMPP_ROOM.
func NotChat(service string, why error) error {
	return &conn.Error{Kind: KindJoin, Op: "join a room of " + service, Err: why, Fix: FixService, Lasting: true}
}

// NotCreated says that the room does not exist, and that XMPP_ROOM_CREATE is off.
func NotCreated(room string) error {
	return &conn.Error{Kind: KindJoin, Op: "join " + room, Err: errors.New("the room does not exist"), Fix: FixMissing, Lasting: true}
}

// NoVoice says that the account has no voice in the room.
func NoVoice(room string) error {
	return &conn.Error{Kind: KindBounced, Op: "post to " + room, Err: errors.New("no voice"), Fix: FixVoice, Lasting: true}
}
