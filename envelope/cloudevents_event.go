package envelope

import (
	"fmt"
	"slices"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// cloudEvent is an event on its way into an Envelope.
type cloudEvent struct {
	context event.EventContextV1
	version string
	data    string
	isJSON  bool // data is a JSON value
	out     Envelope
}

// setJSON takes an attribute from a member of the JSON format.
func (c *cloudEvent) setJSON(m member) error {
	if m.value == "null" {
		return nil
	}
	value, err := scalar(m.value)
	switch {
	case err != nil && !isAttribute(m.name):
		c.out.keep(m.name, m.value)
		return nil
	case err == nil && isAttribute(m.name):
		value, err = text(m.value)
	}
	if err != nil {
		return err
	}
	return c.set(m.name, value)
}

// isAttribute reports the attributes of the core specification.
func isAttribute(name string) bool {
	return slices.Contains([]string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"}, name)
}

// set takes an attribute, wherever it came from.
func (c *cloudEvent) set(name, value string) (err error) {
	switch name {
	case "specversion":
		c.version = value
	case "id":
		c.context.ID = value
	case "type":
		c.context.Type = value
	case "source":
		c.out.Source = value
		ref := types.ParseURIRef(value)
		if ref == nil {
			return fmt.Errorf("expected a URI reference, got %s", quote(value))
		}
		c.context.Source = *ref
	case "subject":
		c.context.Subject = &value
	case "time":
		c.out.Time, err = parseTime(value)
	case "datacontenttype":
		c.context.DataContentType = &value
	case "dataschema":
		c.out.keep(name, quoteJSON(value))
	default:
		c.out.extension(name, value)
	}
	return err
}

// envelope checks the event and makes an Envelope of it.
func (c *cloudEvent) envelope() (Envelope, error) {
	if c.version != event.CloudEventsVersionV1 {
		return Envelope{}, at("specversion", fmt.Errorf("expected %q, got %s", event.CloudEventsVersionV1, quote(c.version)))
	}
	if wrong := c.context.Validate(); wrong != nil {
		return Envelope{}, firstOf(wrong)
	}
	c.out.ID, c.out.EventType = c.context.ID, c.context.Type
	media := ""
	if c.context.DataContentType != nil {
		media = mediaType(*c.context.DataContentType)
	}
	c.out.setData(c.data, media, c.isJSON)
	if c.out.Subject == "" {
		c.out.Subject = c.context.Type
		if c.context.Subject != nil {
			c.out.Subject += ": " + *c.context.Subject
		}
	}
	if c.context.Subject != nil {
		c.out.keep("subject", quoteJSON(*c.context.Subject))
	}
	return c.out, nil
}

// firstOf returns the error of the first attribute in the order of names.
func firstOf(wrong event.ValidationError) error {
	name := ""
	for attribute := range wrong {
		if name == "" || attribute < name {
			name = attribute
		}
	}
	return at(name, wrong[name])
}
