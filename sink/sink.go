// Package sink delivers messages into one XMPP chat room (multi-user chat,
// XEP-0045) and tells of each one whether the room has shown it.
//
// A Room keeps one connection and one occupant in the room, reconnects and
// rejoins by itself, and has a bounded number of messages in flight. A message is
// delivered when the room has reflected it: type groupchat, from our own occupant
// address, with our id. Nothing else counts.
//
// Below it are the connection (internal/conn), the messages (internal/outbox) and
// the words of chat rooms (internal/muc). Beside it are inspect and setup.
package sink

import (
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

type (
	// Message is a text for the room.
	Message = outbox.Message
	// Member is a notification that a digest shows with others.
	Member = outbox.Member
	// Origin is where a notification comes from.
	Origin = outbox.Origin
	// Unshown is a message that the room has refused, or handled and not shown.
	Unshown = outbox.Unshown
	// Result is what became of a message.
	Result = outbox.Result
	// Outcome is the kind of a Result.
	Outcome = outbox.Outcome
)

// What can become of a message.
const (
	Delivered  = outbox.Delivered  // the room has shown it
	Suppressed = outbox.Suppressed // the room had shown it before; not posted again
	Rejected   = outbox.Rejected   // the room will never show it
	Dropped    = outbox.Dropped    // not delivered by us: lost, or the room was closed
)

// The reasons for Dropped, and the errors of Submit.
var (
	ErrLost   = outbox.ErrLost
	ErrClosed = outbox.ErrClosed
)

type (
	// Error is a failure to reach the room, or the end of a session in it, with the
	// fix that an operator can apply.
	Error = conn.Error
	// Condition is what a server says when it refuses.
	Condition = conn.Condition //nolint:errname // RFC 6120 calls it so
	// RemovedError says that the room removed us.
	RemovedError = muc.RemovedError
)

// Dialer opens a connection, as net.Dialer.DialContext does.
type Dialer = conn.Dialer
