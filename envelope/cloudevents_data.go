package envelope

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// content makes notifications of the data of an event: one, or as many as there
// are in data that is a message of another format.
func (c *cloudEvent) content() []Envelope {
	switch {
	case c.data == "":
		return []Envelope{{}}
	case c.isJSON:
		return c.jsonContent(c.data)
	}
	media := mediaType(c.media)
	text, err := Raw{Header: []Header{{"Content-Type", c.media}}, Body: []byte(c.data)}.Text()
	switch {
	case err != nil || strings.ContainsFunc(string(text), isBinary):
		return []Envelope{otherData(c.data, media)}
	case isJSONMedia(media) && json.Valid(text):
		return c.jsonContent(strings.TrimSpace(string(text)))
	}
	return c.textContent(string(text))
}

// textContent reads XML like JSON, and shows other text as the message.
func (c *cloudEvent) textContent(text string) []Envelope {
	if objects := xmlObjects(strings.TrimSpace(text)); len(objects) == 1 && !isHTML(text) {
		return c.jsonContent(objects[0])
	}
	e := Envelope{Data: json.RawMessage(quoteJSON(text))}
	e.Message = e.withoutMarkup(text)
	return []Envelope{e}
}

// otherData tells of data that people cannot read.
func otherData(data, media string) (e Envelope) {
	if media == "" {
		media = "no media type"
	}
	e.Message = fmt.Sprintf("(%d bytes of data, %s)", len(data), shorten(media))
	if utf8.ValidString(data) {
		e.Data = json.RawMessage(quoteJSON(data))
	}
	return e
}

// jsonContent reads a valid JSON value.
func (c *cloudEvent) jsonContent(value string) []Envelope {
	switch value[0] {
	case '{':
	case '"':
		return c.textContent(unquote(value))
	case 'n':
		return []Envelope{{}}
	default:
		return []Envelope{{Data: json.RawMessage(value)}}
	}
	inner := (&message{Raw: Raw{From: c.from}, words: c.words}).inner(value)
	inner.knowledge = isTitled
	if alertmanager.shape(inner) != "" {
		if list, err := alertmanager.decode(inner); err == nil {
			return list
		}
	}
	if inner.allNative() {
		if list := decodeMembers(inner.members, c.words); list != nil {
			list[0].Data, list[0].Details = json.RawMessage(value), []Detail{}
			return list
		}
	}
	list := inner.understand()
	for i := range list {
		if len(list) == 1 {
			list[i].Data = json.RawMessage(value)
		}
		list[i].Extra = nil
	}
	return list
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
