package sinktest

import (
	"cmp"
	"encoding/xml"
	"errors"
)

// StanzaError is the error of a bounced stanza (RFC 6120, section 8.3).
type StanzaError struct {
	Type      string // auth, cancel, modify or wait; default the one RFC 6120 associates with the condition
	Condition string // such as "forbidden"
	Text      string // for people, may be empty
	Content   string // inside the condition: the address of gone and redirect
	Extra     string // XML of an application condition, may be empty
}

// orUnavailable is the error, or service-unavailable if it has no condition.
func (e StanzaError) orUnavailable() StanzaError {
	e.Condition = cmp.Or(e.Condition, "service-unavailable")
	return e
}

// xml writes the <error/> element.
func (e StanzaError) xml(by string) string {
	out := "<error" + attrs("type", cmp.Or(e.Type, errorType(e.Condition)), "by", by) + "><" + e.Condition +
		" xmlns='" + nsStanzaError + "'>" + esc(e.Content) + "</" + e.Condition + ">"
	if e.Text != "" {
		out += "<text xmlns='" + nsStanzaError + "' xml:lang='en'>" + esc(e.Text) + "</text>"
	}
	return out + e.Extra + "</error>"
}

// errorType is the type that RFC 6120, section 8.3.3, associates with a condition.
func errorType(condition string) string {
	switch condition {
	case "forbidden", "not-authorized", "registration-required", "subscription-required":
		return "auth"
	case "bad-request", "jid-malformed", "not-acceptable", "policy-violation", "redirect", "undefined-condition":
		return "modify"
	case "recipient-unavailable", "remote-server-timeout", "resource-constraint", "unexpected-request":
		return "wait"
	default:
		return "cancel"
	}
}

// streamError ends a stream (RFC 6120, section 4.9).
type streamError struct{ condition, text, extra string }

func (e streamError) Error() string { return "stream error " + e.condition + " " + e.text }

// xml writes the error and the end of the stream.
func (e streamError) xml() string {
	out := "<stream:error><" + e.condition + " xmlns='" + nsStreamError + "'/>"
	if e.text != "" {
		out += "<text xmlns='" + nsStreamError + "' xml:lang='en'>" + esc(e.text) + "</text>"
	}
	return out + e.extra + "</stream:error></stream:stream>"
}

// closingXML is what to write before closing, given why reading ended.
func closingXML(err error) string {
	if own, ok := errors.AsType[streamError](err); ok {
		return own.xml()
	}
	switch {
	case errors.Is(err, errStreamEnd):
		return "</stream:stream>"
	case errors.Is(err, errTooBig):
		return streamError{"policy-violation", "XML stanza is too big", "<stanza-too-big xmlns='urn:xmpp:errors'/>"}.xml()
	case errors.Is(err, errRestricted):
		return streamError{condition: "restricted-xml"}.xml()
	case isSyntaxError(err):
		return streamError{condition: "not-well-formed"}.xml()
	default:
		return "" // the connection is gone
	}
}

func isSyntaxError(err error) bool {
	_, ok := errors.AsType[*xml.SyntaxError](err)
	return ok
}
