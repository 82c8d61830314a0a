package config

import (
	"errors"

	"github.com/xdg-go/stringprep"
	"golang.org/x/text/secure/precis"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Prepared is a password as SCRAM needs it. The error names the place of the first
// character that no login takes, never the text.
func (s Secret) Prepared() (string, error) {
	prepared, err := prepare(s.text)
	if err == nil {
		return prepared, nil
	}
	position := 0
	for _, r := range s.text {
		position++
		if _, err := prepare(string(r)); err != nil {
			return "", check.Faultf("give the account a password without it", "character %d is %U, which logins do not take (RFC 4013, RFC 8265)", position, r)
		}
	}
	return "", check.Faultf("give the account another one", "letters of both directions stand in an order that logins do not take (RFC 4013)")
}

// prepare is SASLprep (RFC 4013), as RFC 5802 says, and for characters that are newer than
// its Unicode 3.2 OpaqueString (RFC 8265), which replaces it.
func prepare(text string) (string, error) {
	prepared, err := stringprep.SASLprep.Prepare(text)
	if e, refused := errors.AsType[stringprep.Error](err); refused && stringprep.TableA1.Contains(e.Rune) {
		return precis.OpaqueString.String(text)
	}
	return prepared, err
}
