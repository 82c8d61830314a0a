package envelope

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// cloudEvents is CloudEvents 1.0: binary (attributes in headers), structured
// (one JSON object) and batches of these (a JSON array).
var cloudEvents = format{ //nolint:gochecknoglobals // a constant
	name:    "cloudevents",
	headers: cloudEventsHeaders,
	shape:   cloudEventsShape,
	decode: func(m *message) ([]Envelope, error) {
		list, err := decodeCloudEvents(m)
		if err != nil {
			return nil, fmt.Errorf("cloudevents: %w", err)
		}
		return list, nil
	},
}

// The media types of structured events and of batches begin like this.
const (
	cloudEventsMedia = "application/cloudevents"
	batchMedia       = "application/cloudevents-batch"
)

func cloudEventsHeaders(m *message) string {
	if strings.HasPrefix(m.media, cloudEventsMedia) {
		return "header Content-Type is " + m.media
	}
	if prefix := m.eventPrefix(); prefix != "" {
		return "header " + prefix + "specversion is there"
	}
	return ""
}

// cloudEventsShape recognises structured events without a header, which the
// NATS binding has in its own example.
func cloudEventsShape(m *message) string {
	if m.get("specversion") != "" {
		return "it has the member specversion"
	}
	if m.kind == '[' {
		for _, element := range elements(m.body) {
			if memberOf(element, "specversion") != "" {
				return "it is an array of objects with the member specversion"
			}
			break
		}
	}
	return ""
}

func decodeCloudEvents(m *message) ([]Envelope, error) {
	if prefix := m.eventPrefix(); prefix != "" && !strings.HasPrefix(m.media, cloudEventsMedia) {
		return binaryEvent(m, prefix)
	}
	rest, found := strings.CutPrefix(strings.TrimPrefix(m.media, batchMedia), cloudEventsMedia)
	if format := strings.TrimPrefix(rest, "+"); found && format != "" && format != "json" {
		return nil, fmt.Errorf("format %s is not supported: publish as %s+json", quote(format), cloudEventsMedia)
	}
	if err := m.parse(); err != nil {
		return nil, err
	}
	if m.kind == '[' {
		return m.array(structuredEvent), nil
	}
	if err := m.object(); err != nil {
		return nil, err
	}
	return structuredEvent(m)
}

// structuredEvent decodes the members of an event in JSON.
func structuredEvent(m *message) ([]Envelope, error) {
	if m.kind != '{' { // in a batch
		return nil, fmt.Errorf("expected an object, got %s", kindOf(m.body))
	}
	c := cloudEvent{from: m.From, words: m.words}
	for _, m := range m.members {
		switch m.name {
		case "data":
			c.data, c.isJSON = m.value, true
		case "data_base64":
			if data, ok := fromBase64(m.value); !ok {
				c.out.keep(m.name, m.value)
			} else if !c.isJSON {
				c.data = data
			}
		default:
			c.setJSON(m)
		}
	}
	return c.envelopes(), nil
}

func fromBase64(value string) (string, bool) {
	s, ok := text(value)
	data, err := base64.StdEncoding.DecodeString(s)
	return string(data), ok && err == nil
}
