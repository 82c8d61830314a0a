package envelope

import (
	"encoding/json"
	"fmt"
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
	shape:   nativeShape,
	decode:  decodeObject,
}

// anyJSON is any other JSON: what its members mean is told by their names.
var anyJSON = format{ //nolint:gochecknoglobals // a constant
	name:    "json",
	headers: noHeaders,
	shape: func(m *message) string {
		if m.kind == '{' || m.kind == '[' {
			return "it is JSON of no known format"
		}
		return ""
	},
	decode: decodeObject,
}

// nativeShape recognises what says what to show in the names of the format.
func nativeShape(m *message) string {
	if subject := m.get("subject"); subject != "" && subject[0] == '"' {
		return "it has the member subject"
	}
	if m.kind == '{' && (m.get("message") != "" || m.get("data") != "") && m.allNative() {
		return "all its members are those of the native format"
	}
	return ""
}

func (m *message) allNative() bool {
	for i := range m.members {
		if !isNative(m.members[i].name) {
			return false
		}
	}
	return true
}

// isNative reports the members of the native format.
func isNative(name string) bool {
	switch name {
	case "id", "follows", "time", "expires", "severity", "state", "labels", "links", "traceparent", "data":
		return true
	}
	return new(Envelope).textField(name) != nil
}

// decodeObject reads JSON of our own format, and of nobody's.
func decodeObject(m *message, c Config) ([]Envelope, error) {
	if err := m.parse(); err != nil {
		return nil, err
	}
	if m.kind == '[' {
		return m.array(c)
	}
	if err := m.object(); err != nil {
		return nil, err
	}
	if m.allNative() {
		if e, err := decodeMembers(m.members, m.words); err == nil && e.showable() && !e.isOnlyData() {
			return []Envelope{e}, nil
		}
	}
	if nativeShape(m) != "" {
		m.knowledge = isNotification
	}
	return m.understand(), nil
}

// isOnlyData reports a notification that has nothing to show but the members of
// its data, like the answers of a JSON:API: they are read by their names.
func (e *Envelope) isOnlyData() bool {
	return e.Subject == "" && e.Message == "" && len(e.Data) > 0 && e.Data[0] == '{'
}

// decodeMembers takes an object that has nothing but the members of the native
// format, with their types.
func decodeMembers(list []member, words severities) (e Envelope, err error) {
	for i := range list {
		if err := e.set(list[i].name, list[i].value, words); err != nil {
			return Envelope{}, at(list[i].name, err)
		}
	}
	return e, nil
}

// set puts the member of a valid object into the field of that name, or into
// Extra if there is none.
func (e *Envelope) set(name, value string, words severities) (err error) {
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
	case "follows":
		e.Follows, err = identifier(value)
	case "time":
		e.Time, err = timestamp(value)
	case "expires":
		e.Expiry, err = timestamp(value)
	case "severity":
		err = e.setSeverity(value, words)
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

// setSeverity keeps a word that nobody knows: it is shown as it is.
func (e *Envelope) setSeverity(value string, words severities) error {
	word, err := text(value)
	if err != nil {
		return err
	}
	severity, known := words.parse(word)
	if e.Severity = severity; !known {
		e.SeverityWord = word
	}
	return nil
}

// setState keeps one that it does not know in Extra.
func (e *Envelope) setState(value string) error {
	word, err := text(value)
	if err != nil {
		return err
	}
	if e.State = stateOf(word); e.State == "" && word != "" {
		e.keep("state", value)
	}
	return nil
}

// stateOf is the state that a word means where nothing else can be meant.
func stateOf(word string) State {
	word = canonical(word)
	if state, found := states[word]; found {
		return state
	}
	return alarmStates[word]
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
	list := membersOf(value)
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
