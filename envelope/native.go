package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxMembers bounds the memory that a hostile object can take.
const maxMembers = 1000

// decodeNative decodes our own format: one JSON object, described by
// notification.schema.json.
//
// Member names match exactly. A member may be null or "", which is the same
// as leaving it out. A name that comes twice is an error: parsers disagree on
// which one counts, so two readers of the same message would see different
// notifications.
func decodeNative(body []byte) (Envelope, error) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if err := checkObject(body); err != nil {
		return Envelope{}, err
	}
	var e Envelope
	seen := make([]string, 0, 16)
	for name, value := range members(string(body)) {
		if slices.Contains(seen, name) {
			return Envelope{}, fmt.Errorf("%s: given twice", quote(name))
		}
		if len(seen) == maxMembers {
			return Envelope{}, fmt.Errorf("more than %d members", maxMembers)
		}
		seen = append(seen, name)
		if value == "null" {
			continue
		}
		if err := e.set(name, value); err != nil {
			return Envelope{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return e, nil
}

// checkObject makes sure that body is one valid JSON object and nothing else,
// so that the decoding after it need not look for syntax errors.
func checkObject(body []byte) error {
	text := bytes.TrimLeft(body, " \t\r\n")
	if len(text) == 0 {
		return errors.New("empty message: expected a JSON object")
	}
	if !json.Valid(body) {
		return syntaxError(body)
	}
	if text[0] != '{' {
		return fmt.Errorf("expected a JSON object, got %s", describe(string(bytes.TrimSpace(text))))
	}
	return nil
}

// syntaxError says where body stops being JSON.
func syntaxError(body []byte) error {
	err := json.Unmarshal(body, new(json.RawMessage))
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return fmt.Errorf("not JSON: %w", err)
	}
	// Offset counts the bytes read, the offending one included.
	return fmt.Errorf("not JSON at byte %d: %w", max(syntax.Offset-1, 0), err)
}

// set puts the member of a valid object into the field of that name, or into
// Extra if there is none.
func (e *Envelope) set(name, value string) (err error) {
	switch name {
	case "id":
		e.ID, err = identifier(value)
	case "time":
		e.Time, err = timestamp(value)
	case "severity":
		return e.setSeverity(value)
	case "data":
		e.Data = json.RawMessage(value)
	default:
		if field := e.textField(name); field != nil {
			*field, err = text(value)
			return err
		}
		e.keep(name, value)
	}
	return err
}

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

func (e *Envelope) keep(name, value string) {
	if e.Extra == nil {
		e.Extra = make(map[string]json.RawMessage)
	}
	e.Extra[name] = json.RawMessage(value)
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
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil {
		return time.Time{}, fmt.Errorf("expected RFC 3339 like 2026-03-29T13:05:00Z, got %s", quote(s))
	}
	return t, nil
}
