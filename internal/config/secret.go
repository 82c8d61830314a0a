// Package config reads the settings of the program from the environment and
// explains them: what each one means, what it is now, and what is wrong with it.
package config

import (
	"fmt"
	"log/slog"
	"unicode"
	"unicode/utf8"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Secret is a value that must not be printed. Every way of formatting it gives
// a mask; Reveal is the only way to the text.
type Secret struct{ text string }

const mask = "********"

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text, for the one place that must send it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// String masks the secret, and says when there is none.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return mask
}

// Format masks the secret for every verb, %#v and %q included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue masks the secret in slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON, YAML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Decode takes the text from an environment variable or a file. It refuses what no
// login can carry, or what nobody means: a line break of a file with two lines, a tab
// that was pasted along. It says where the character is, never the text: libraries
// that prepare passwords (RFC 8265, RFC 4013) would quote all of it.
func (s *Secret) Decode(text string) error {
	position := 0
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		position++
		if wrong := unfit(r, size); wrong != "" {
			return check.Faultf("give a secret that is one line of printable text", "character %d is %s", position, wrong)
		}
	}
	s.text = text
	return nil
}

// unfit names a character that a secret may not have, or returns "".
func unfit(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return "not UTF-8"
	case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
		return "a line break"
	case r == '\t':
		return "a tab"
	case unicode.IsControl(r):
		return "a control character"
	case !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cf):
		return "an unassigned or private code point"
	}
	return ""
}
