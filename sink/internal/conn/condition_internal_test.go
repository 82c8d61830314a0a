package conn

import (
	"fmt"
	"strings"
	"testing"
)

// Whatever the other side says, a line of the log stays short.
func TestConditionsAreShort(t *testing.T) {
	long := strings.Repeat("long", 10_000)
	for _, e := range []string{
		"<message type='error'><error><" + long + " xmlns='" + string(OfStanza) + "'/></error></message>",
		"<message type='error'><error><gone xmlns='" + string(OfStanza) + "'/><text xmlns='" + string(OfStanza) + "'>" + long + "</text></error></message>",
	} {
		if text := StanzaError(parse(t, e)).Error(); len(text) > 300 {
			t.Errorf("%d bytes: %.100s", len(text), text)
		}
	}
}

// Whatever a login is refused with, the error says what to do.
func TestEveryRefusedLoginHasAFix(t *testing.T) {
	for of, names := range map[ErrorOf][]string{
		OfSASL: {
			"aborted", "account-disabled", "credentials-expired", "encryption-required", "incorrect-encoding", "invalid-authzid",
			"invalid-mechanism", "malformed-request", "mechanism-too-weak", "not-authorized", "temporary-auth-failure",
		},
		OfStanza: {"bad-request", "conflict", "not-allowed", "resource-constraint"}, // of bind
		OfStream: {"host-gone", "host-unknown", "unsupported-version", "policy-violation"},
	} {
		for _, name := range names {
			e := explain(KindLogin, "log in", fmt.Errorf("bind: %w", &Condition{Of: of, Name: name}))
			if e.Fix == "" || e.Fix == FixLog {
				t.Errorf("%s: %v", name, e)
			}
		}
	}
	if e := explain(KindLogin, "log in", &Condition{Of: OfSASL, Name: "made-up"}); e.Fix != FixLog || e.Lasting {
		t.Errorf("%v", e)
	}
}
