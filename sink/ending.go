package sink

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

// The kinds of ends that a session adds.
const (
	kindNick      conn.Kind = "nick"
	kindNotInRoom conn.Kind = "not_in_room"
	kindStalled   conn.Kind = "stalled"
)

// The ends of a session that we find out by ourselves.
var (
	errStalled   = &conn.End{Kind: kindStalled, Text: "no reflection from the room within XMPP_STALL_TIMEOUT"}
	errNotInRoom = &conn.End{Kind: kindNotInRoom, Text: "no longer an occupant of the room (XEP-0410)"}
	errNickFree  = &conn.End{Kind: kindNick, Text: "the preferred nickname is free again"}
)

// endingOf says how a session ended.
func endingOf(end error) outbox.Ending {
	c, said := errors.AsType[*Condition](end)
	_, removed := errors.AsType[*RemovedError](end)
	switch {
	case errors.Is(end, conn.ErrClosed), errors.Is(end, muc.ErrGone), errors.Is(end, errNotInRoom), said && !goesOn(c):
		return outbox.ShutDown
	case removed, said, errors.Is(end, errNickFree):
		return outbox.SessionOver
	default: // silence, a stall, the network
		return outbox.BrokenOff
	}
}

// goesOn reports whether the room or server that ends our session with this condition runs, and
// knows us. A room that has been restarted does not, nor does a server without it.
func goesOn(c *Condition) bool {
	if c.Of == conn.OfStream {
		return c.Name != "system-shutdown"
	}
	return slices.Contains([]string{"forbidden", "not-allowed", "policy-violation", "resource-constraint"}, c.Name)
}

// blames returns the stream error that ended a session if it is about what we
// sent (RFC 6120, 4.9.3), and not about the server or us.
func blames(end error) (*Condition, bool) {
	c, said := errors.AsType[*Condition](end)
	if !said || c.Of != conn.OfStream {
		return nil, false
	}
	switch c.Name {
	case "policy-violation", "not-well-formed", "xml-not-well-formed", "invalid-xml", "bad-format", "restricted-xml":
		return c, true
	default:
		return nil, false
	}
}

// endReason is why a session ended with err. After our presence was ended (gone) that
// is what the server said then, or that it closed the stream, or just that.
func endReason(gone, err error) error {
	_, said := errors.AsType[*Condition](err)
	switch {
	case gone == nil, said:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded): // it is still there
		return gone
	default:
		return fmt.Errorf("%w: %w", gone, conn.ErrClosed)
	}
}

// named adds to the end of a session what an operator can do about it.
func named(end error) error {
	c, said := errors.AsType[*Condition](end)
	if !said || c.Of != conn.OfStream {
		return end
	}
	advice := conn.AdviceFor(c)
	return &Error{Kind: conn.KindStream, Op: "stay connected", Err: end, Fix: advice.Fix, Lasting: advice.Lasting}
}

// isReplaced reports whether another session of the account ended this one.
func isReplaced(end error) bool {
	c, said := errors.AsType[*Condition](end)
	return said && c.Of == conn.OfStream && c.Name == "conflict"
}

// notInRoom says that a ping to ourselves was refused.
func notInRoom(room string, c *Condition) error {
	return &Error{Kind: kindNotInRoom, Op: "stay in " + room, Err: fmt.Errorf("%w: %w", errNotInRoom, c)}
}
