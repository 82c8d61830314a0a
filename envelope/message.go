package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxMembers bounds the memory that a hostile object can take.
const maxMembers = 1000

// message is a Raw on its way through recognition and decoding.
type message struct {
	Raw
	// media is the media type of the header Content-Type, without parameters
	// and in lower case.
	media string
	// parsed is what parse has found.
	parsed bool
	body   string
	// kind is the first character of the body: '{' or '[' if it is JSON, 0 if
	// it is empty.
	kind    byte
	members []member // of the object
}

// member is one member of a JSON object, its value as it is written.
type member struct{ name, value string }

// read makes sure that the body is text with something in it.
func (m *message) read() error {
	if at := invalidUTF8(m.Body); at >= 0 {
		return fmt.Errorf("not UTF-8: invalid byte 0x%02x at byte %d", m.Body[at], at)
	}
	m.body = string(bytes.TrimPrefix(m.Body, []byte("\uFEFF")))
	start := strings.TrimLeft(m.body, " \t\r\n")
	if start == "" {
		return errors.New("empty message")
	}
	m.kind = start[0]
	return nil
}

// parse reads the body: as JSON if it begins like an object or an array, else
// as text.
func (m *message) parse() (err error) {
	if m.parsed {
		return nil
	}
	m.parsed = true
	if err := m.read(); err != nil || m.kind != '{' && m.kind != '[' {
		return err
	}
	if !validJSON(m.body) {
		return syntaxError(m.Body)
	}
	if m.kind == '{' {
		m.members, err = membersOf(m.body)
	}
	return err
}

// object makes sure that the message is a JSON object.
func (m *message) object() error {
	if err := m.parse(); err != nil {
		return err
	}
	if m.kind == '{' {
		return nil
	}
	if !validJSON(m.body) {
		return syntaxError([]byte(m.body))
	}
	return fmt.Errorf("expected a JSON object, got %s", describe(strings.TrimSpace(m.body)))
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

// membersOf lists the members of a valid object. A name that comes twice is an
// error: parsers disagree on which one counts, so two readers of the same
// message would see different notifications.
func membersOf(object string) ([]member, error) {
	list := make([]member, 0, 16)
	for name, value := range members(object) {
		if find(list, name) != "" {
			return nil, fmt.Errorf("%s: given twice", quote(name))
		}
		if len(list) == maxMembers {
			return nil, fmt.Errorf("more than %d members", maxMembers)
		}
		list = append(list, member{name, value})
	}
	return list, nil
}

// syntaxError says where body stops being JSON.
func syntaxError(body []byte) error {
	bom := len(body) - len(bytes.TrimPrefix(body, []byte("\uFEFF")))
	err := json.Unmarshal(body[bom:], new(json.RawMessage))
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return fmt.Errorf("not JSON: %w", err)
	}
	// Offset counts the bytes read, the offending one included.
	return fmt.Errorf("not JSON at byte %d: %w", max(syntax.Offset-1, 0)+int64(bom), err)
}

// invalidUTF8 returns the place of the first byte that is not UTF-8, or -1.
func invalidUTF8(body []byte) int {
	if utf8.Valid(body) {
		return -1
	}
	at := 0
	for at < len(body) {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// mediaType returns the media type of a header Content-Type, without its
// parameters and in lower case.
func mediaType(header string) string {
	kind, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
