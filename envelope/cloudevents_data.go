package envelope

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// extension takes an extension attribute: those that mean something to us
// into their field, the others become labels. A value that does not fit is
// kept in Extra: a notification is too good to lose for it.
func (e *Envelope) extension(name, value string) {
	ok := true
	switch name {
	case "expirytime":
		expiry, err := parseTime(value)
		e.Expiry, ok = expiry, err == nil
	case "severitynumber":
		n, isNumber := number(value)
		s, inScale := severityNumber(n)
		if ok = isNumber && inScale; ok {
			e.Severity = s
		}
	case "severitytext":
		s, known := ParseSeverity(value)
		if ok = known; e.Severity == Unspecified {
			e.Severity = s
		}
	case "traceparent":
		if ok = isTraceparent(value); ok {
			e.Trace.Parent = value
		}
	case "tracestate":
		e.Trace.State = value
	default:
		e.label(name, value)
	}
	if !ok {
		e.keep(name, quoteJSON(value))
	}
}

// setData takes the data of an event. Data that is a notification by itself,
// an object with the members of the native format, says what to show.
func (e *Envelope) setData(data, media string, isJSON bool) {
	switch {
	case data == "" || isJSON && data == "null":
	case isJSON && data[0] == '"' && !isJSONMedia(media):
		e.setText(unquote(data))
	case isJSON:
		e.setJSONData(data)
	case isJSONMedia(media) && validJSON(data):
		e.setJSONData(strings.TrimSpace(data))
	case utf8.ValidString(data) && (strings.HasPrefix(media, "text/") || media == "" || isJSONMedia(media)):
		e.setText(data)
	default:
		e.setOther(data, media)
	}
}

// setText shows text as the message.
func (e *Envelope) setText(s string) {
	e.Message = s
	e.Data = json.RawMessage(quoteJSON(s))
}

// setOther tells of data that people cannot read.
func (e *Envelope) setOther(data, media string) {
	if media == "" {
		media = "no media type"
	}
	e.Message = fmt.Sprintf("(%d bytes of data, %s)", len(data), shorten(media))
	if utf8.ValidString(data) {
		e.Data = json.RawMessage(quoteJSON(data))
	}
}

// setJSONData takes a valid JSON value.
func (e *Envelope) setJSONData(value string) {
	e.Data = json.RawMessage(value)
	if value[0] == '"' {
		e.Message = unquote(value)
	}
	if value[0] != '{' {
		return
	}
	for name, value := range members(value) {
		if field := e.dataField(name); field != nil && value[0] == '"' && *field == "" {
			*field = unquote(value)
		}
		if (name == "severity" || name == "level") && value[0] == '"' && e.Severity == Unspecified {
			e.Severity, _ = ParseSeverity(unquote(value))
		}
	}
}

// dataField returns the field for a member of an event's data, or nil.
func (e *Envelope) dataField(name string) *string {
	switch name {
	case "subject", "title", "summary":
		return &e.Subject
	case "message", "text", "description":
		return &e.Message
	case "hostName", "serverName", "domainName", "instanceName":
		return e.textField(name)
	}
	return nil
}

// isJSONMedia reports the media types of JSON; events without one have JSON.
func isJSONMedia(media string) bool {
	return media == "" || media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

// quoteJSON returns s as a JSON string.
func quoteJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return `""` // cannot happen: every string has a form in JSON
	}
	return string(quoted)
}
