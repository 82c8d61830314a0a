package envelope

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// native is our own format: one JSON object, described by
// notification.schema.json.
//
// Member names match exactly. A member may be null or "", which is the same
// as leaving it out.
var native = format{ //nolint:gochecknoglobals // a constant
	name:    "native",
	headers: noHeaders,
	shape: func(m *message) string {
		if m.kind == '{' {
			return "a JSON object without the marks of another format"
		}
		return ""
	},
	decode: func(m *message, _ Config) ([]Envelope, error) {
		if err := m.object(); err != nil {
			return nil, err
		}
		return one(decodeMembers(m.members))
	},
}

func decodeMembers(list []member) (e Envelope, err error) {
	for _, m := range list {
		if err := e.set(m.name, m.value); err != nil {
			return Envelope{}, at(m.name, err)
		}
	}
	return e, nil
}

// set puts the member of a valid object into the field of that name, or into
// Extra if there is none.
func (e *Envelope) set(name, value string) (err error) {
	if value == "null" {
		return nil
	}
	if field := e.textField(name); field != nil {
		*field, err = text(value)
		return err
	}
	switch name {
	case "id":
		e.ID, err = identifier(value)
	case "time":
		e.Time, err = timestamp(value)
	case "expires":
		e.Expiry, err = timestamp(value)
	case "severity":
		err = e.setSeverity(value)
	case "state":
		err = e.setState(value)
	case "labels":
		err = eachText(value, e.label)
	case "links":
		err = eachText(value, e.link)
	case "traceparent":
		err = e.setTrace(value)
	case "data":
		if value != `""` {
			e.Data = json.RawMessage(value)
		}
	default:
		e.keep(name, value)
	}
	return err
}

// textField returns the field of a member that is a plain string, or nil.
func (e *Envelope) textField(name string) *string {
	switch name {
	case "source":
		return &e.Source
	case "subject":
		return &e.Subject
	case "message":
		return &e.Message
	case "serverName":
		return &e.ServerName
	case "hostName":
		return &e.HostName
	case "domainName":
		return &e.DomainName
	case "instanceName":
		return &e.InstanceName
	case "eventType":
		return &e.EventType
	case "fingerprint":
		return &e.Fingerprint
	case "tracestate":
		return &e.Trace.State
	}
	return nil
}

// setSeverity keeps a word that nobody knows in Extra: a notification is too
// good to lose for a word.
func (e *Envelope) setSeverity(value string) error {
	word, err := text(value)
	if err != nil {
		return err
	}
	severity, known := ParseSeverity(word)
	e.Severity = severity
	if !known {
		e.keep("severity", value)
	}
	return nil
}

// setState does likewise.
func (e *Envelope) setState(value string) error {
	word, err := text(value)
	if err != nil {
		return err
	}
	switch strings.ToLower(word) {
	case "":
	case "firing", "active", "alerting", "open", "problem", "triggered":
		e.State = Firing
	case "resolved", "ok", "closed", "recovered", "recovery", "inactive":
		e.State = Resolved
	default:
		e.keep("state", value)
	}
	return nil
}

func (e *Envelope) setTrace(value string) error {
	s, err := text(value)
	if err != nil {
		return err
	}
	if isTraceparent(s) {
		e.Trace.Parent = s
	} else {
		e.keep("traceparent", value)
	}
	return nil
}

// eachText calls f with the members of an object of scalars.
func eachText(value string, f func(name, value string)) error {
	if value[0] != '{' {
		return fmt.Errorf("expected an object, got %s", describe(value))
	}
	list, err := membersOf(value)
	if err != nil {
		return err
	}
	for _, m := range list {
		s, err := scalar(m.value)
		if err != nil {
			return at(m.name, err)
		}
		f(m.name, s)
	}
	return nil
}

// identifier accepts numbers as well, as they are written: many services
// count their events.
func identifier(value string) (string, error) {
	if kindOf(value) == "number" {
		return value, nil
	}
	return text(value)
}

func timestamp(value string) (time.Time, error) {
	s, err := text(value)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	return parseTime(s)
}

func parseTime(s string) (time.Time, error) {
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil {
		return time.Time{}, fmt.Errorf("expected RFC 3339 like 2026-03-29T13:05:00Z, got %s", quote(s))
	}
	return t, nil
}
