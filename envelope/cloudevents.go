package envelope

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// cloudEvents is CloudEvents 1.0: binary (attributes in headers), structured
// (one JSON object) and batches of these (a JSON array).
var cloudEvents = format{ //nolint:gochecknoglobals // a constant
	name:    "cloudevents",
	headers: cloudEventsHeaders,
	shape:   cloudEventsShape,
	decode: func(m *message, _ Config) ([]Envelope, error) {
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
			if element[0] == '{' && hasMember(element, "specversion") {
				return "it is an array of objects with the member specversion"
			}
			break
		}
	}
	return ""
}

func hasMember(object, wanted string) bool {
	for name := range members(object) {
		if name == wanted {
			return true
		}
	}
	return false
}

func decodeCloudEvents(m *message) ([]Envelope, error) {
	if prefix := m.eventPrefix(); prefix != "" && !strings.HasPrefix(m.media, cloudEventsMedia) {
		e, err := binaryEvent(m, prefix)
		return one(e, err)
	}
	if strings.HasPrefix(m.media, batchMedia) {
		return batch(m)
	}
	if rest, found := strings.CutPrefix(m.media, cloudEventsMedia+"+"); found && rest != "json" {
		return nil, fmt.Errorf("format %s is not supported: publish as %s+json", quote(rest), cloudEventsMedia)
	}
	if err := m.parse(); err != nil {
		return nil, err
	}
	if m.kind == '[' {
		return batch(m)
	}
	if err := m.object(); err != nil {
		return nil, err
	}
	return one(structuredEvent(m.members))
}

// batch decodes an array of structured events.
func batch(m *message) ([]Envelope, error) {
	if err := m.parse(); err != nil {
		return nil, err
	}
	if m.kind != '[' {
		return nil, errors.New("expected a JSON array of events")
	}
	var list []Envelope
	for i, element := range elements(m.body) {
		if i == maxParts {
			return nil, fmt.Errorf("more than %d events in one batch", maxParts)
		}
		if element[0] != '{' {
			return nil, at(index(i), fmt.Errorf("expected an object, got %s", describe(element)))
		}
		attributes, err := membersOf(element)
		if err != nil {
			return nil, at(index(i), err)
		}
		e, err := structuredEvent(attributes)
		if err != nil {
			return nil, at(index(i), err)
		}
		list = append(list, e)
	}
	return list, nil
}

// structuredEvent decodes the members of an event in JSON.
func structuredEvent(list []member) (Envelope, error) {
	var c cloudEvent
	for _, m := range list {
		var err error
		switch m.name {
		case "data":
			c.data, c.isJSON = m.value, true
		case "data_base64":
			c.data, err = fromBase64(m.value)
		default:
			err = c.setJSON(m)
		}
		if err != nil {
			return Envelope{}, at(m.name, err)
		}
	}
	if find(list, "data") != "" && find(list, "data_base64") != "" {
		return Envelope{}, errors.New("data and data_base64 are both there")
	}
	return c.envelope()
}

func fromBase64(value string) (string, error) {
	s, err := text(value)
	if err != nil {
		return "", err
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("expected base64: %w", err)
	}
	return string(data), nil
}
