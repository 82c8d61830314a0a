package envelope

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// errNothingToShow is the error of a notification without any text.
var errNothingToShow = errors.New(`nothing to show: expected at least one of "subject", "message" and "data"`)

// Decode makes an envelope of what a broker handed over, or says what is
// wrong with it and where. The envelope has something to show: a subject, a
// message or data. Decode keeps nothing of raw.Body.
func Decode(raw Raw) (Envelope, error) {
	if at := invalidUTF8(raw.Body); at >= 0 {
		return Envelope{}, fmt.Errorf("not UTF-8: invalid byte 0x%02x at byte %d", raw.Body[at], at)
	}
	e, err := decodeNative(raw.Body)
	if err != nil {
		return Envelope{}, err
	}
	if !e.showable() {
		return Envelope{}, errNothingToShow
	}
	return e, nil
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

func (e *Envelope) showable() bool {
	return strings.TrimSpace(e.Subject) != "" || strings.TrimSpace(e.Message) != "" || len(e.Data) > 0
}
