// Package config reads the settings of the program from the environment and
// explains them: what each one means, what it is now, and what is wrong with it.
package config

import (
	"fmt"
	"log/slog"
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

// Decode takes the text from an environment variable.
func (s *Secret) Decode(text string) error {
	s.text = text
	return nil
}
