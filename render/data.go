package render

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// The limits of structured data in a text: it is for a glance.
const (
	maxDataLines = 8
	maxDataValue = 120
	maxDataOther = 3 * maxDataValue // of what is no object
)

// dataText returns a JSON string as the text that it is, an object as a few
// lines of name and value, and any other value in its shortest form.
func dataText(data json.RawMessage) string {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return ""
	case data[0] == '"':
		return clean(valueText(data))
	case data[0] == '{':
		if lines := dataLines(data); lines != "" {
			return lines
		}
	}
	if len(data) > maxOutput { // only its beginning is shown
		return cut.Line(oneLine(bound(string(data[:maxOutput]))), maxDataOther)
	}
	return cut.Line(clean(compact(data)), maxDataOther)
}

// messageText returns a message as it is, unless it is JSON: nobody wants to
// read a wall of that.
func messageText(message string) string {
	trimmed := strings.TrimLeft(message, " \t\r\n")
	if trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid([]byte(trimmed)) {
		return dataText(json.RawMessage(trimmed))
	}
	return clean(message)
}

// dataLines returns the first members of an object, "" if it is none.
func dataLines(data json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return ""
	}
	var b strings.Builder
	for count := 0; decoder.More(); count++ {
		if count == maxDataLines {
			b.WriteString("\n…")
			break
		}
		name, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return ""
		}
		if count > 0 {
			b.WriteByte('\n')
		}
		key, _ := name.(string)
		text := valueText(value)
		if envelope.IsSecret(key) {
			text = hidden
		}
		b.WriteString(cut.Line(oneLine(key), maxPartBytes))
		b.WriteString(": ")
		b.WriteString(cut.Line(oneLine(text), maxDataValue))
	}
	return clean(b.String())
}

// valueText returns a string as it is, and any other value in its shortest form.
func valueText(value json.RawMessage) string {
	var text string
	if err := json.Unmarshal(value, &text); err == nil && value[0] == '"' {
		return text
	}
	return compact(value)
}

func compact(value json.RawMessage) string {
	var short bytes.Buffer
	if err := json.Compact(&short, value); err != nil {
		return string(value)
	}
	return short.String()
}
