package envelope

import (
	"cmp"
	"maps"
	"strconv"
	"strings"
)

// cloudEvent is an event on its way into an Envelope. What the specification
// demands of it is not checked: an event that lacks an id is still news.
type cloudEvent struct {
	from  Place
	words severities

	subject, media string
	data           string
	isJSON         bool     // data is a JSON value
	out            Envelope // the attributes
}

// setJSON takes an attribute from a member of the JSON format.
func (c *cloudEvent) setJSON(m member) {
	value, ok := scalar(m.value)
	switch {
	case !ok:
		c.out.keep(m.name, m.value)
	case m.value != "null":
		c.set(m.name, value)
	}
}

// set takes an attribute, wherever it came from. One that is empty counts as
// absent. Those that mean nothing to us become labels. A value that does not fit is
// kept in Extra: a notification is too good to lose for it.
func (c *cloudEvent) set(name, value string) {
	if strings.TrimSpace(value) == "" {
		return
	}
	e, fits := &c.out, true
	switch name {
	case "specversion":
	case "id":
		e.ID = value
	case "type":
		e.EventType = value
	case "source":
		e.Source = value
	case "follows":
		e.Follows = value
	case "subject":
		c.subject, fits = value, false
	case "dataschema":
		fits = false
	case "datacontenttype":
		c.media = value
	case "time":
		e.Time, fits = anyTime(value)
	case "expirytime":
		e.Expiry, fits = anyTime(value)
	case "severitynumber", "severitytext":
		fits = c.setSeverity(name, value)
	case "traceparent":
		if fits = isTraceparent(value); fits {
			e.Trace.Parent = value
		}
	case "tracestate":
		e.Trace.State = value
	default:
		e.label(name, value)
	}
	if !fits {
		e.keep(name, quoteJSON(value))
	}
}

// setSeverity takes a number or a text. The number goes first.
func (c *cloudEvent) setSeverity(name, value string) bool {
	if name == "severitytext" {
		s, known := c.words.parse(value)
		c.out.Severity = cmp.Or(c.out.Severity, s)
		return known
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > int(maxSeverity) {
		return false
	}
	c.out.Severity = Severity(n)
	return true
}

// envelopes makes notifications of the data, and gives them the attributes.
func (c *cloudEvent) envelopes() []Envelope {
	list := c.content()
	for i := range list {
		c.attribute(&list[i])
		if c.out.ID != "" && i > 0 {
			list[i].ID = c.out.ID + "/" + strconv.Itoa(i)
		}
	}
	return list
}

// attribute gives a notification the attributes of its event, which go before
// what the data says of the same.
func (c *cloudEvent) attribute(e *Envelope) {
	if e.Subject == "" {
		e.Subject = c.out.EventType
		if c.subject != "" && e.Subject != "" {
			e.Subject += ": "
		}
		e.Subject += c.subject
	}
	e.ID, e.Follows = c.out.ID, c.out.Follows
	e.EventType = cmp.Or(c.out.EventType, e.EventType)
	e.Source = cmp.Or(c.out.Source, e.Source)
	if !c.out.Time.IsZero() {
		e.Time = c.out.Time
	}
	if !c.out.Expiry.IsZero() {
		e.Expiry = c.out.Expiry
	}
	if c.out.Severity != Unspecified {
		e.Severity, e.SeverityWord = c.out.Severity, ""
	}
	if c.out.Trace.Parent != "" {
		e.Trace = c.out.Trace
	}
	for name, value := range c.out.Labels {
		e.label(name, value)
	}
	if e.Extra == nil {
		e.Extra = maps.Clone(c.out.Extra)
	} else {
		maps.Copy(e.Extra, c.out.Extra)
	}
}
