package envelope

import (
	"encoding/json"
	"regexp"
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
		if m.kind != '{' && m.kind != '[' {
			return "it is no JSON object or array"
		}
		return ""
	},
	decode: decodeText,
}

func decodeText(m *message) ([]Envelope, error) {
	if err := m.read(); err != nil {
		return nil, err
	}
	body := m.body
	var quoted string
	if body[0] == '"' && json.Unmarshal([]byte(body), &quoted) == nil {
		body = strings.TrimSpace(quoted)
	}
	if e := mailMessage(body, m.words); e.showable() {
		return []Envelope{e}, nil
	}
	if e := htmlMessage(body); e.showable() {
		return []Envelope{e}, nil
	}
	for _, objectsOf := range [...]func(string) []string{logfmt, form, xmlObjects, csvObjects} {
		if objects := objectsOf(body); objects != nil {
			return m.objects(objects), nil
		}
	}
	return []Envelope{textMessage(body, m.words)}, nil
}

// objects reads each JSON object like a message of its own.
func (m *message) objects(objects []string) (list []Envelope) {
	for i, object := range objects {
		for _, e := range m.inner(object).understand() {
			if !e.showable() {
				e = unreadable(i, object, errNothing)
			}
			list = append(list, e)
		}
	}
	return list
}

// textMessage reads lines of text.
func textMessage(body string, words severities) (e Envelope) {
	body = e.setSyslog(body)
	if title, rest, found := strings.Cut(body, "\n"); found {
		e.Subject, e.Message = strings.TrimSpace(title), strings.Trim(rest, "\r\n")
	} else {
		e.Message = body
	}
	if e.Severity == Unspecified {
		first, _, _ := strings.Cut(body, "\n")
		e.Severity = words.leading(first)
	}
	if m := severityLine.FindStringSubmatch(body); m != nil && e.Severity == Unspecified {
		e.Severity, _ = words.word(canonical(m[1]))
	}
	if m := typeLine.FindStringSubmatch(body); m != nil {
		e.State = states[canonical(m[1])]
	}
	return e
}

// The lines in which the mails of Nagios and its like say how bad it is, and whether it
// begins or ends.
var (
	severityLine = regexp.MustCompile(`(?m)^(?:Service |Host )?(?:State|Severity|Status): *(\w+)\r?$`)
	typeLine     = regexp.MustCompile(`(?m)^Notification Type: *(\w+)\r?$`)
)

// leading are the words that say how bad something is at the beginning of a
// line of text. Others mean too much else.
var leading = setOf("trace debug info notice warn warning error err severe critical crit alert fatal emergency panic failed failure") //nolint:gochecknoglobals // a constant table

// lineWord is a word of a line, with a bracket before or a colon after it.
var lineWord = regexp.MustCompile(`\[?[\pL\pN_.]+:?`)

// leading finds the severity that a line begins with, like that of a log, or of
// "[CRITICAL] db-1: disk full" and "DISK WARNING - 81 %": a known word in
// capitals, in brackets, or before a colon at the beginning.
func (own severities) leading(line string) Severity {
	const longest, mostWords = 120, 8
	for i, found := range lineWord.FindAllString(line[:min(len(line), longest)], mostWords) {
		word := strings.Trim(found, "[:")
		announced := found[0] == '[' || i == 0 && strings.HasSuffix(found, ":")
		if leading[strings.ToLower(word)] && (announced || word == strings.ToUpper(word)) {
			s, _ := own.parse(word)
			return s
		}
	}
	return Unspecified
}
