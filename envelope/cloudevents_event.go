package envelope

import (
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/cloudevents/sdk-go/v2/types"
)

// cloudEvent is an event on its way into an Envelope.
type cloudEvent struct {
	version, id, eventType   string
	source                   types.URIRef
	subject, dataContentType *string // nil if absent

	data   string
	isJSON bool // data is a JSON value
	out    Envelope
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
	switch name {
	case "subject", "time", "datacontenttype", "dataschema":
		return true
	}
	return isRequired(name)
}

func isRequired(name string) bool {
	return name == "specversion" || name == "id" || name == "source" || name == "type"
}

// set takes an attribute, wherever it came from. One that is optional and empty
// counts as absent: a notification is too good to lose for what some library
// always writes.
func (c *cloudEvent) set(name, value string) (err error) {
	if value == "" && !isRequired(name) {
		return nil
	}
	switch name {
	case "specversion":
		c.version = value
	case "id":
		c.id = value
	case "type":
		c.eventType = value
	case "source":
		c.out.Source = value
		ref := types.ParseURIRef(value)
		if ref == nil {
			return fmt.Errorf("expected a URI reference, got %s", quote(value))
		}
		c.source = *ref
	case "subject":
		c.subject = &value
	case "time":
		c.out.Time, err = parseTime(value)
	case "datacontenttype":
		c.dataContentType = &value
	case "dataschema":
		c.out.keep(name, quoteJSON(value))
	default:
		c.out.extension(name, value)
	}
	return err
}

// envelope checks the event and makes an Envelope of it.
func (c *cloudEvent) envelope() (Envelope, error) {
	if err := c.validate(); err != nil {
		return Envelope{}, err
	}
	c.out.ID, c.out.EventType = c.id, c.eventType
	media := ""
	if c.dataContentType != nil {
		media = mediaType(*c.dataContentType)
	}
	c.out.setData(c.data, media, c.isJSON)
	if c.out.Subject == "" {
		c.out.Subject = c.eventType
		if c.subject != nil {
			c.out.Subject += ": " + *c.subject
		}
	}
	if c.subject != nil {
		c.out.keep("subject", quoteJSON(*c.subject))
	}
	return c.out, nil
}

// The version of the specification that is read.
const specVersion = "1.0"

var (
	errEmpty     = errors.New("expected a text that is not empty")
	errNoContent = errors.New("expected a media type (RFC 2046)")
)

// validate holds what CloudEvents 1.0, section 3, demands of the attributes,
// in the order of their names, as the event of the official SDK does.
func (c *cloudEvent) validate() error {
	switch {
	case c.version != specVersion:
		return at("specversion", fmt.Errorf("expected %q, got %s", specVersion, quote(c.version)))
	case c.dataContentType != nil && !isMedia(*c.dataContentType):
		return at("datacontenttype", fmt.Errorf("%w, got %s", errNoContent, quote(*c.dataContentType)))
	case isBlank(c.id):
		return at("id", errEmpty)
	case isBlank(c.source.String()):
		return at("source", errEmpty)
	case c.subject != nil && isBlank(*c.subject):
		return at("subject", errEmpty)
	case isBlank(c.eventType):
		return at("type", errEmpty)
	}
	return nil
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

func isMedia(s string) bool {
	_, _, err := mime.ParseMediaType(strings.TrimSpace(s))
	return err == nil
}
