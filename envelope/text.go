package envelope

import (
	"encoding/json"
	"strings"
)

// plainText is any other text: the first line is the title if there are more.
var plainText = format{ //nolint:gochecknoglobals // a constant
	name: "text",
	headers: func(m *message) string {
		if strings.HasPrefix(m.media, "text/") {
			return "header Content-Type is " + m.media
		}
		return ""
	},
	shape: func(m *message) string {
		if m.kind != '{' && m.kind != '[' && m.media != "application/json" {
			return "it does not begin like JSON"
		}
		return ""
	},
	decode: func(m *message, _ Config) ([]Envelope, error) { return one(decodeText(m)) },
}

func decodeText(m *message) (Envelope, error) {
	if err := m.read(); err != nil {
		return Envelope{}, err
	}
	body := strings.TrimSpace(m.body)
	var quoted string
	if m.kind == '"' && json.Unmarshal([]byte(body), &quoted) == nil {
		body = strings.TrimSpace(quoted)
	}
	if title, rest, found := strings.Cut(body, "\n"); found {
		return Envelope{Subject: strings.TrimSpace(title), Message: strings.Trim(rest, "\r\n")}, nil
	}
	return Envelope{Message: body}, nil
}
