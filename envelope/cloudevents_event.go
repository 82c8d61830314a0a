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
	from   Place
	words  severities
	config Config

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
// absent.
func (c *cloudEvent) set(name, value string) {
	if strings.TrimSpace(value) == "" {
		return
	}
	switch name {
	case "specversion":
	case "id":
		c.out.ID = value
	case "type":
		c.out.EventType = value
	case "source":
		c.out.Source = value
	case "subject":
		c.subject = value
		c.out.keep(name, quoteJSON(value))
	case "time":
		when, ok := anyTime(value)
		if c.out.Time = when; !ok {
			c.out.keep(name, quoteJSON(value))
		}
	case "datacontenttype":
		c.media = value
	case "dataschema":
		c.out.keep(name, quoteJSON(value))
	default:
		c.out.extension(name, value, c.words)
	}
}

// envelopes makes notifications of the data, and gives them the attributes.
func (c *cloudEvent) envelopes() []Envelope {
	list := c.content(mediaType(c.media))
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
