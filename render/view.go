package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// View is what a template sees of a notification. All its texts are safe: they
// have no control characters, and mean nothing to a client. docs/templates.md
// explains it to people.
type View struct {
	ID, Source, Subject, Message                    string
	Server, Host, Domain, Instance                  string
	Type, Severity, Mark, State, Fingerprint, Trace string
	// Level is the severity as a number, 0 to 24.
	Level            int
	Firing, Resolved bool
	Time, Expiry     time.Time
	Labels           map[string]string
	Links            []envelope.Link

	envelope *envelope.Envelope
	config   Config
	data     any            // decoded, for the next time
	extra    map[string]any // likewise
}

func newView(e *envelope.Envelope, c Config) *View {
	line := func(s string) string { return c.safe(oneLine(bound(s))) }
	v := &View{
		ID: line(e.ID), Source: line(e.Source), Subject: line(e.Subject), Message: c.safe(clean(bound(e.Message))),
		Server: line(e.ServerName), Host: line(e.HostName), Domain: line(e.DomainName), Instance: line(e.InstanceName),
		Type: line(e.EventType), Severity: e.Severity.String(), Mark: mark(e), Level: int(e.Severity),
		State: string(e.State), Fingerprint: line(e.Fingerprint), Trace: line(e.Trace.Parent),
		Firing: e.State == envelope.Firing, Resolved: e.State == envelope.Resolved,
		Time: e.Time, Expiry: e.Expiry,
		Labels: make(map[string]string, len(e.Labels)), envelope: e, config: c,
	}
	for name, value := range e.Labels {
		v.Labels[line(name)] = line(value)
	}
	for _, link := range e.Links {
		if url := oneLine(link.URL); isWeb(url) {
			v.Links = append(v.Links, envelope.Link{Name: line(link.Name), URL: url})
		}
	}
	return v
}

// bound cuts s to what a template may make at all.
func bound(s string) string { return s[:boundary(s, maxOutput)] }

// Default returns the text that is sent without a template.
func (v *View) Default() string { return v.config.text(v.envelope) }

// String is what a template shows of the whole notification.
func (v *View) String() string { return v.Default() }

// Link returns the address with that name, "" if there is none.
func (v *View) Link(name string) string {
	for _, link := range v.Links {
		if link.Name == name {
			return link.URL
		}
	}
	return ""
}

// Header returns the header of the message with that name in any case, "" if
// there is none.
func (v *View) Header(name string) string {
	raw := envelope.Raw{Header: v.envelope.Headers}
	return v.config.safe(oneLine(raw.Get(name)))
}

// maxData is how many bytes of JSON a template can see: to decode them takes
// time.
const maxData = 256 << 10

var errData = fmt.Errorf("more than %d bytes of JSON", maxData)

// Data returns the structured payload; nil if there is none.
func (v *View) Data() (any, error) {
	if v.data == nil && len(v.envelope.Data) > maxData {
		return nil, errData
	}
	if v.data == nil {
		v.data = v.decode(v.envelope.Data)
	}
	return v.data, nil
}

// Extra returns what of the notification has no place elsewhere, by name.
func (v *View) Extra() (map[string]any, error) {
	if v.extra != nil {
		return v.extra, nil
	}
	size := 0
	all := make(map[string]any, len(v.envelope.Extra))
	for name, value := range v.envelope.Extra {
		if size += len(value); size > maxData {
			return nil, errData
		}
		all[v.config.safe(oneLine(name))] = v.decode(value)
	}
	v.extra = all
	return all, nil
}

// decode returns a JSON value as Go has it, with safe strings.
func (v *View) decode(value json.RawMessage) any {
	if len(value) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return nil
	}
	return v.safe(decoded)
}

func (v *View) safe(value any) any {
	switch value := value.(type) {
	case string:
		return v.config.safe(clean(bound(value)))
	case []any:
		for i := range value {
			value[i] = v.safe(value[i])
		}
	case map[string]any:
		safe := make(map[string]any, len(value))
		for name := range value {
			safe[v.config.safe(oneLine(name))] = v.safe(value[name])
		}
		return safe
	case json.Number:
		return value.String()
	}
	return value
}

// method returns a method that templates can call, nil if there is none of
// that name.
func method(receiver any, name string) any {
	switch r := receiver.(type) {
	case *View:
		return r.method(name)
	case time.Time:
		return timeMethod(r, name)
	case time.Duration:
		return durationMethod(r, name)
	}
	return nil
}

func (v *View) method(name string) any {
	switch name {
	case "Default":
		return v.Default
	case "Link":
		return v.Link
	case "Header":
		return v.Header
	case "Data":
		return v.Data
	case "Extra":
		return v.Extra
	}
	return nil
}

func timeMethod(t time.Time, name string) any {
	return map[string]any{
		"IsZero": t.IsZero, "Format": t.Format, "UTC": t.UTC, "Unix": t.Unix, "String": t.String,
		"Year": t.Year, "Month": t.Month, "Day": t.Day, "Weekday": t.Weekday,
		"Hour": t.Hour, "Minute": t.Minute, "Second": t.Second,
		"Before": t.Before, "After": t.After, "Equal": t.Equal, "Sub": t.Sub,
	}[name]
}

func durationMethod(d time.Duration, name string) any {
	return map[string]any{"Hours": d.Hours, "Minutes": d.Minutes, "Seconds": d.Seconds, "String": d.String}[name]
}
