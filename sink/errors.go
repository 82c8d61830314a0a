package sink

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// Error is a failure to reach the room, or the end of a stay in it, with the
// cure that an operator can apply.
type Error struct {
	Op   string // what was tried, like "join alerts@conference.example.org"
	Err  error  // what came of it, with the XMPP condition where there was one
	Cure string // what to do; empty if waiting is all
	// Lasting says that somebody must change something before another attempt
	// can succeed. Attempts go on, slowly.
	Lasting bool
}

func (e *Error) Error() string {
	if e.Cure == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Op, e.Err, e.Cure)
}

func (e *Error) Unwrap() error { return e.Err }

// Condition is a defined condition of a stream, SASL or stanza error
// (RFC 6120, 4.9.3, 6.5, 8.3.3), with the text that came along.
type Condition struct { //nolint:errname // RFC 6120 calls it so
	Name string // like "not-authorized"
	Type string // of a stanza error: auth, cancel, continue, modify, wait
	Text string
	// Elsewhere is the address that "gone", "redirect" and "see-other-host"
	// send us to.
	Elsewhere string
}

func (c *Condition) Error() string {
	if c.Text == "" {
		return c.Name
	}
	return fmt.Sprintf("%s (%.200q)", c.Name, c.Text)
}

// The ends of a connection that the worker finds out by itself.
var (
	errStalled   = errors.New("no reflection from the room within XMPP_STALL_TIMEOUT")
	errSilent    = errors.New("no answer from the server within twice XMPP_PING_INTERVAL")
	errClosed    = errors.New("server closed the stream")
	errNotInRoom = errors.New("room no longer counts us as an occupant")
	errNickFree  = errors.New("the preferred nickname is free again")
	errMute      = errors.New("no voice")
	errNoRooms   = errors.New("it is no chat service")
)

// ending is how a stay ended. It says what others may not have been sent of what
// the server sent us.
type ending int

const (
	brokenOff ending = iota // nothing is known of the server
	shutDown                // it went down, or its rooms did, perhaps before all had been sent to others
	parted                  // the stay is over, the server and the room go on
)

func endingOf(end error) ending {
	c, said := errors.AsType[*Condition](end)
	_, removed := errors.AsType[*RemovedError](end)
	switch {
	case errors.Is(end, errClosed), errors.Is(end, errGone), errors.Is(end, errNotInRoom), said && !goesOn(c):
		return shutDown
	case removed, said, errors.Is(end, errNickFree):
		return parted
	default: // silence, a stall, the network
		return brokenOff
	}
}

// goesOn reports whether who ends our stay with this condition is there, and
// knows us. A room that has been restarted does not, nor does a server without it.
func goesOn(c *Condition) bool {
	if c.Type == "" { // of the stream: those of stanzas have a type
		return c.Name != "system-shutdown"
	}
	return slices.Contains([]string{"forbidden", "not-allowed", "policy-violation", "resource-constraint"}, c.Name)
}

// verdict says what a bounce is about.
type verdict int

const (
	aboutRoom    verdict = iota // us or the room: repair, then send again
	aboutMessage                // the message: it will never be shown
	unclear                     // either: join anew, and see whether it bounces again
)

// judge maps the condition of a bounced message to what it is about. A state
// of the room is never a reason to give up a message.
func judge(c *Condition) verdict {
	if c.Type == "wait" {
		return aboutRoom
	}
	switch c.Name {
	case "policy-violation", "jid-malformed":
		return aboutMessage
	case "not-acceptable", "bad-request", "not-allowed", "feature-not-implemented", "undefined-condition":
		return unclear
	default:
		return aboutRoom
	}
}

// The namespaces of defined conditions (RFC 6120, 4.9.2, 6.5, 8.3.2).
const (
	nsStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams"
	nsSASL         = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"
)

// condition reads an error element whose condition is in namespace ns. An
// application's own condition beside it is ignored.
func condition(e wire.Element, ns string) *Condition {
	c := &Condition{Type: string(e.Type)}
	for child := range e.Children() {
		switch {
		case string(child.XMLNS) != ns && ns != nsSASL:
		case string(child.Name) == "text":
			c.Text = oneLine(child.Text())
		case c.Name == "":
			c.Name, c.Elsewhere = string(child.Name), oneLine(child.Text())
		}
	}
	if c.Name == "" {
		c.Name = "undefined-condition"
	}
	c.Name = c.Name[:min(len(c.Name), longestName)]
	return c
}

// longestName bounds the name of a condition. Those that are defined are shorter.
const longestName = 40

// stanzaError reads the error in a stanza of type error.
func stanzaError(e wire.Element) *Condition {
	for child := range e.Children() {
		if child.Is("error") {
			return condition(child, nsStanzaErrors)
		}
	}
	return &Condition{Name: "undefined-condition"}
}

// Cures that more than one place names.
const (
	nickCure    = "set XMPP_NICK to one that nobody else has"
	muteCure    = "the room is moderated and we have no voice: give the account of XMPP_JID a voice or membership"
	serviceCure = "no chat rooms there: check the service in XMPP_ROOM"
	missingCure = "create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true"
)

// joinCure tells what to do about the refusal of a join (XEP-0045, 7.2).
func joinCure(c *Condition) (cure string, lasting bool) {
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
			return fmt.Sprintf("its owner names %.200q as the place to go: set XMPP_ROOM", c.Elsewhere), true
		}
		return "create the room again or change XMPP_ROOM", true
	case "resource-constraint":
		return "the room is full: raise its number of occupants, or make the account an admin of the room", false
	case "item-not-found", "recipient-unavailable":
		return "the room does not exist or is locked: create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true", true
	case "not-allowed":
		return "the account may not create the room, or the service of XMPP_ROOM is wrong: create the room or correct XMPP_ROOM", true
	case "remote-server-not-found", "service-unavailable":
		if c.Type == "wait" {
			return "the room may be full", false
		}
		return serviceCure, true
	case "jid-malformed":
		return "correct XMPP_ROOM or XMPP_NICK", true
	default:
		return "", false
	}
}

// loginCure tells what to do about a SASL failure (RFC 6120, 6.5).
func loginCure(c *Condition) string {
	switch c.Name {
	case "not-authorized", "invalid-authzid":
		return "check XMPP_JID and XMPP_PASSWORD"
	case "account-disabled", "credentials-expired":
		return "enable the account or renew its password on the server"
	default:
		return ""
	}
}

// oneLine keeps what a server says from breaking a log line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// postCure tells what to do about a bounced message.
func postCure(c *Condition) string {
	if c.Name == "forbidden" {
		return muteCure
	}
	return ""
}
