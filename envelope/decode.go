package envelope

import (
	"errors"
	"fmt"
)

// errNothingToShow is the error of a notification without any text.
var errNothingToShow = errors.New(`nothing to show: expected at least one of "subject", "message" and "data"`)

// maxParts bounds how many notifications one message may hold.
const maxParts = 1000

// format is one way in which notifications travel.
type format struct {
	name string
	// headers and shape say why a message is of this format, "" if it is
	// not: by its headers, which come first, and by what its JSON looks like.
	headers, shape func(m *message) string
	decode         func(m *message, c Config) ([]Envelope, error)
}

// formats lists all formats; where several recognise a message the first one
// has it.
var formats = [...]format{cloudEvents, alertmanager, payara, native, plainText} //nolint:gochecknoglobals // a constant table

// Decoder makes envelopes of messages. The zero value recognises every format
// and makes one envelope of every alert.
type Decoder struct{ config Config }

// NewDecoder returns a Decoder for a valid Config.
func NewDecoder(c Config) Decoder { return Decoder{c} }

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
	m := message{Raw: raw, media: mediaType(raw.Get("Content-Type"))}
	f, why, err := m.format(d.config.Format)
	if err != nil {
		return Decoded{}, err
	}
	out := Decoded{Format: f.name, Why: why}
	list, err := f.decode(&m, d.config)
	switch {
	case err != nil:
		return out, err
	case len(list) == 0:
		return out, fmt.Errorf("%s: no notification in it", f.name)
	case len(list) > maxParts:
		return out, fmt.Errorf("%s: %d notifications in one message, %d are allowed", f.name, len(list), maxParts)
	}
	for i := range list {
		if !list[i].showable() {
			return out, errNothingToShow
		}
		list[i].traced(raw)
		list[i].Headers = raw.Header
	}
	out.Envelopes = list
	return out, nil
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
		if why := formats[i].headers(m); why != "" {
			return &formats[i], why, nil
		}
	}
	if err := m.parse(); err != nil {
		return nil, "", err
	}
	for i := range formats {
		if why := formats[i].shape(m); why != "" {
			return &formats[i], why, nil
		}
	}
	return nil, "", m.object() // it is an array, or not the JSON that it is said to be
}

// noHeaders is for formats that no header tells of.
func noHeaders(*message) string { return "" }

// one returns a list of one envelope, if there is no error.
func one(e Envelope, err error) ([]Envelope, error) {
	if err != nil {
		return nil, err
	}
	return []Envelope{e}, nil
}
