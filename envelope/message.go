package envelope

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// maxMembers bounds the memory that a hostile object can take.
const maxMembers = 1000

// message is a Raw on its way through recognition and decoding.
type message struct {
	Raw
	// media is the media type of the header Content-Type, without parameters
	// and in lower case.
	media string
	// words are the severities, sum is the hash of the body once it is needed.
	words     severities
	sum       string
	knowledge knowledge
	// parsed is what parse has found.
	parsed bool
	body   string
	// kind is the first character of the body if it is JSON of any kind but a
	// number or a word, else that of text.
	kind    byte
	members []member // of the object
}

// kindText is the kind of what is no JSON.
const kindText = 'T'

// member is one member of a JSON object, its value as it is written.
type member struct{ name, value string }

// read makes sure that the body is text with something in it.
func (m *message) read() error {
	if m.body != "" {
		return nil
	}
	text, err := m.Text()
	if err != nil {
		return err
	}
	if m.body = strings.TrimSpace(strings.TrimRight(string(text), "\x00")); m.body == "" { // C ends texts so
		return errors.New("empty message")
	}
	return nil
}

// parse reads the body as JSON if it is that, else as text. Several values one
// after the other count as an array of them.
func (m *message) parse() error {
	if m.parsed {
		return nil
	}
	if err := m.read(); err != nil {
		return err
	}
	m.parsed = true
	m.kind = kindText
	isJSON := func(body string) bool {
		isValid := json.Valid([]byte(body))
		if isValid {
			m.body, m.kind = body, body[0]
		}
		return isValid
	}
	switch first := m.body[0]; { // of text, or of JSON in one of the ways in which it is written
	case first == '"':
		m.kind = first
	case first != '{' && first != '[' || isJSON(m.body) || isJSON(withoutNaN(m.body)) || isJSON(lines(m.body)):
	case brokenObject.MatchString(m.body):
		return syntaxError(m.body)
	}
	if m.kind == '{' {
		m.members = membersOf(m.body)
	}
	return nil
}

// brokenObject is the beginning of what was meant to be a JSON object: no text
// begins so.
var brokenObject = regexp.MustCompile(`^\{\s*"[^"\n]*"\s*:`)

// notFinite is what Python writes for numbers that JSON does not have.
var notFinite = regexp.MustCompile(`([:\[,]\s*)(NaN|-?Infinity)\b`)

// withoutNaN makes texts of these numbers.
func withoutNaN(body string) string { return notFinite.ReplaceAllString(body, `$1"$2"`) }

// lines returns an array of the values in text, if that is what it is: JSON by
// the line, or one after the other. Else it returns text.
func lines(text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	var values []string
	for len(values) <= maxParts {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) && len(values) > 1 {
			return "[" + strings.Join(values, ",") + "]"
		}
		if err != nil {
			break
		}
		values = append(values, string(value))
	}
	return text
}

// object makes sure that the message is a JSON object.
func (m *message) object() error {
	if err := m.parse(); err != nil {
		return err
	}
	if m.kind == '{' {
		return nil
	}
	if !json.Valid([]byte(m.body)) {
		return syntaxError(m.body)
	}
	return fmt.Errorf("expected a JSON object, got %s", describe(m.body))
}

// get returns the value of a member, "" if there is none.
func (m *message) get(name string) string { return find(m.members, name) }

func find(list []member, name string) string {
	for _, m := range list {
		if m.name == name {
			return m.value
		}
	}
	return ""
}

// membersOf lists the members of a valid object, maxMembers at most. Of a name
// that comes twice the last one counts, as in most parsers.
func membersOf(object string) []member {
	list := make([]member, 0, 16)
	for name, value := range members(object) {
		if i := slices.IndexFunc(list, func(m member) bool { return m.name == name }); i >= 0 {
			list[i].value = value
		} else {
			list = append(list, member{name, value})
		}
		if len(list) == maxMembers {
			break
		}
	}
	return list
}

// syntaxError says where body stops being JSON.
func syntaxError(body string) error {
	err := json.Unmarshal([]byte(body), new(json.RawMessage))
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return fmt.Errorf("not JSON: %w", err)
	}
	// Offset counts the bytes read, the offending one included.
	return fmt.Errorf("not JSON at byte %d: %w", max(syntax.Offset-1, 0), err)
}

// mediaType returns the media type of a header Content-Type, without its
// parameters and in lower case.
func mediaType(header string) string {
	kind, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
