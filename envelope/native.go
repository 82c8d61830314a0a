package envelope

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// native is our own format: one JSON object, described by
// notification.schema.json.
//
// Member names match exactly. A member may be null or "", which is the same
// as leaving it out.
var native = format{ //nolint:gochecknoglobals // a constant
	name:   "native",
	shape:  nativeShape,
	decode: decodeObject,
}

// anyJSON is any other JSON: what its members mean is told by their names.
var anyJSON = format{ //nolint:gochecknoglobals // a constant
	name: "json",
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
	return !slices.ContainsFunc(m.members, func(m member) bool { return !isNative(m.name) })
}

// decodeObject reads JSON of our own format, and of nobody's.
func decodeObject(m *message) ([]Envelope, error) {
	if err := m.parse(); err != nil {
		return nil, err
	}
	if m.kind == '[' {
		return m.array(decodeElement), nil
	}
	if err := m.object(); err != nil {
		return nil, err
	}
	if m.allNative() {
		if list := decodeMembers(m.members, m.words); list != nil && list[0].showable() && !list[0].isOnlyData() {
			return list, nil
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

// decodeMembers makes a notification of the members of the native format, none if
// one has another type.
func decodeMembers(list []member, words severities) []Envelope {
	out := make([]Envelope, 1)
	for i := range list {
		if !out[0].set(list[i].name, list[i].value, words) {
			return nil
		}
	}
	return out
}

// setter takes a value into a field, and reports whether it fits.
type setter func(e *Envelope, value string, words severities) bool

// nativeMembers are the members of the native format.
var nativeMembers = map[string]setter{ //nolint:gochecknoglobals // a constant table
	"id":           setID(func(e *Envelope) *string { return &e.ID }),
	"follows":      setID(func(e *Envelope) *string { return &e.Follows }),
	"source":       setText(func(e *Envelope) *string { return &e.Source }),
	"subject":      setText(func(e *Envelope) *string { return &e.Subject }),
	"message":      setText(func(e *Envelope) *string { return &e.Message }),
	"serverName":   setText(func(e *Envelope) *string { return &e.ServerName }),
	"hostName":     setText(func(e *Envelope) *string { return &e.HostName }),
	"domainName":   setText(func(e *Envelope) *string { return &e.DomainName }),
	"instanceName": setText(func(e *Envelope) *string { return &e.InstanceName }),
	"eventType":    setText(func(e *Envelope) *string { return &e.EventType }),
	"fingerprint":  setText(func(e *Envelope) *string { return &e.Fingerprint }),
	"tracestate":   setText(func(e *Envelope) *string { return &e.Trace.State }),
	"time":         setTime(func(e *Envelope) *time.Time { return &e.Time }),
	"expires":      setTime(func(e *Envelope) *time.Time { return &e.Expiry }),
	"severity":     (*Envelope).setSeverity,
	"state":        (*Envelope).setState,
	"traceparent":  (*Envelope).setTrace,
	"labels":       func(e *Envelope, value string, _ severities) bool { return eachText(value, e.label) },
	"links":        func(e *Envelope, value string, _ severities) bool { return eachText(value, e.link) },
	"data": func(e *Envelope, value string, _ severities) bool {
		if value != `""` {
			e.Data = json.RawMessage(value)
		}
		return true
	},
}

// isNative reports the members of the native format.
func isNative(name string) bool { return nativeMembers[name] != nil }

// set puts the member of a valid object into the field of that name, or into
// Extra if there is none. It reports whether the value fits.
func (e *Envelope) set(name, value string, words severities) bool {
	if value == "null" {
		return true
	}
	if set := nativeMembers[name]; set != nil {
		return set(e, value, words)
	}
	e.keep(name, value)
	return true
}

func setText(field func(*Envelope) *string) setter {
	return func(e *Envelope, value string, _ severities) (ok bool) {
		*field(e), ok = text(value)
		return ok
	}
}

// setID takes numbers as well, as they are written: many services count their
// events.
func setID(field func(*Envelope) *string) setter {
	return func(e *Envelope, value string, _ severities) (ok bool) {
		if *field(e), ok = text(value); !ok && kindOf(value) == "number" {
			*field(e), ok = value, true
		}
		return ok
	}
}

func setTime(field func(*Envelope) *time.Time) setter {
	return func(e *Envelope, value string, _ severities) bool {
		s, ok := text(value)
		return ok && (s == "" || field(e).UnmarshalText([]byte(s)) == nil)
	}
}

// setSeverity keeps a word that nobody knows: it is shown as it is.
func (e *Envelope) setSeverity(value string, words severities) bool {
	word, ok := text(value)
	if ok {
		e.takeSeverity(word, words)
	}
	return ok
}

// takeSeverity takes a word for a severity, as it is if nobody knows it.
func (e *Envelope) takeSeverity(word string, words severities) {
	severity, known := words.parse(word)
	if e.Severity = severity; !known {
		e.SeverityWord = word
	}
}

// setState keeps one that it does not know in Extra.
func (e *Envelope) setState(value string, _ severities) bool {
	word, ok := text(value)
	if e.State = stateOf(word); ok && e.State == "" && word != "" {
		e.keep("state", value)
	}
	return ok
}

// stateOf is the state that a word means where nothing else can be meant.
func stateOf(word string) State {
	word = canonical(word)
	return cmp.Or(states[word], alarmStates[word])
}

func (e *Envelope) setTrace(value string, _ severities) bool {
	s, ok := text(value)
	if isTraceparent(s) {
		e.Trace.Parent = s
	} else if ok {
		e.keep("traceparent", value)
	}
	return ok
}

// eachText calls f with the members of an object of scalars.
func eachText(value string, f func(name, value string)) bool {
	if value[0] != '{' {
		return false
	}
	for _, m := range membersOf(value) {
		s, ok := scalar(m.value)
		if !ok {
			return false
		}
		f(m.name, s)
	}
	return true
}
