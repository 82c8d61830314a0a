package envelope

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope/internal/jq"
)

// maxParts bounds how many notifications one message may hold.
const maxParts = 1000

// format is one way in which notifications travel.
type format struct {
	name string
	// headers and shape say why a message is of this format, "" if it is
	// not: by its headers, which come first, and by what its JSON looks like.
	// headers is nil where no header tells.
	headers, shape func(m *message) string
	decode         func(m *message) ([]Envelope, error)
}

// formats lists all formats; where several recognise a message the first one
// has it.
var formats = [...]format{cloudEvents, alertmanager, payara, native, anyJSON, plainText} //nolint:gochecknoglobals // a constant table

// Decoder makes envelopes of messages. The zero value recognises every format
// and makes one envelope of every alert.
type Decoder struct {
	config  Config
	words   severities
	program *jq.Program
}

// NewDecoder returns a Decoder for a valid Config. The error is that of a
// MAP_FILE that has become another since.
func NewDecoder(c Config) (d Decoder, err error) {
	d.config = c
	if d.words, err = c.severities(); err != nil {
		return d, err
	}
	d.program, err = c.program()
	return d, err
}

// Decoded is what a message holds.
type Decoded struct {
	// Envelopes has at least one element.
	Envelopes []Envelope
	// Format is the name of the format, Why says how it was recognised.
	Format, Why string
}

// Decode makes envelopes of what a broker handed over, or says what is wrong
// with it and where. Most messages hold one notification; a batch of
// CloudEvents or a webhook message of Alertmanager can hold several. Every
// envelope has something to show. Decode keeps nothing of raw.Body.
//
// On an error Format and Why are set as far as they are known.
func (d Decoder) Decode(raw Raw) (Decoded, error) {
	if d.program != nil {
		return d.mapped(raw)
	}
	m := message{Raw: raw, media: mediaType(raw.Get("Content-Type")), words: d.words}
	f, why, err := m.format(d.config.Format)
	if err != nil {
		return Decoded{}, err
	}
	out := Decoded{Format: f.name, Why: why}
	if f.name == anyJSON.name && d.config.Unknown == deadLetter && d.config.Format != f.name {
		return out, fmt.Errorf("no known format, and UNKNOWN_FORMAT=%s: %s", deadLetter, m.describe())
	}
	list, err := f.decode(&m)
	switch {
	case err != nil:
		return out, err
	case len(list) == 0:
		return out, fmt.Errorf("%s: no notification in it", f.name)
	case len(list) > maxParts:
		return out, fmt.Errorf("%s: more than %d notifications in one message", f.name, maxParts)
	}
	for i := range list {
		if !list[i].showable() {
			if err := fmt.Errorf("%s: nothing to show: %s", f.name, m.describe()); len(list) == 1 {
				return out, err
			}
			list[i] = unreadable(i, m.body, errNothing)
		}
		list[i].traced(raw)
		list[i].Headers = raw.Header
	}
	out.Envelopes = list
	return out, nil
}

var errNothing = errors.New("nothing to show in it")

// describe says what is in a message, for errors.
func (m *message) describe() string {
	const most = 10
	if m.kind != '{' {
		return "it is " + kindOf(cmp.Or(m.body, "n"))
	}
	if len(m.members) == 0 {
		return "an object without members"
	}
	var names []string
	for _, member := range m.members[:min(len(m.members), most)] {
		names = append(names, shorten(member.name))
	}
	if len(m.members) > most {
		names = append(names, "…")
	}
	return "its members are " + strings.Join(names, ", ")
}

// Decode decodes a message with the default settings, and returns the first
// notification in it.
func Decode(raw Raw) (Envelope, error) {
	decoded, err := Decoder{}.Decode(raw)
	if err != nil {
		return Envelope{}, err
	}
	return decoded.Envelopes[0], nil
}

// format finds the format of m: the pinned one, or the one that recognises it.
func (m *message) format(pinned string) (*format, string, error) {
	for i := range formats {
		if formats[i].name == pinned {
			return &formats[i], "set by ENVELOPE_FORMAT", nil
		}
	}
	for i := range formats {
		if f := &formats[i]; f.headers != nil {
			if why := f.headers(m); why != "" {
				return f, why, nil
			}
		}
	}
	if err := m.parse(); err != nil {
		return nil, "", err
	}
	if m.kind == kindText && isJSONMedia(m.media) && m.media != "" {
		return nil, "", m.object() // it is not the JSON that it is said to be
	}
	f, why := m.recognise()
	return f, why, nil
}

// recognise finds the format of a message by what its JSON looks like.
func (m *message) recognise() (*format, string) {
	for i := range formats {
		if why := formats[i].shape(m); why != "" {
			return &formats[i], why
		}
	}
	return &plainText, "it is no JSON"
}
