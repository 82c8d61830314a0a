package render_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// TestTerminalOutputIsReadable has what programs write for terminals.
func TestTerminalOutputIsReadable(t *testing.T) {
	for message, want := range map[string]string{
		"\x1b[31mfailed\x1b(B\x1b[m: step 3":                                    "failed: step 3", // tput setaf 1, tput sgr0
		"\x1b[1;31mFAILED\x1b[0m \x1b[38;5;196mred\x1b[39;49m":                  "FAILED red",
		"see \x1b]8;;https://example.org/1\x1b\\the log\x1b]8;;\x1b\\ for more": "see the log for more",
		"see \x1b]8;id=1;https://example.org/1\athe log\x1b]8;;\a":              "see the log",
		"\x1b]0;a title\aok":         "ok",
		"\x1b]0;no end":              "0;no end",
		"\x1b7saved\x1b8 \x1b=\x1b>": "saved",
		"\u009b31mred\u009b0m \u009d8;;https://example.org/1\u009clink": "red link",
		"\x1bPq#0;2;0;0;0\x1b\\picture":                                 "picture",
		"ends \x1b":                                                     "ends",
		"ends \x1b[3":                                                   "ends",
		"é\x1b[Kü\x1b(0x":                                               "éüx",
	} {
		if got := render.Text(envelope.Envelope{Message: message}); got != want {
			t.Errorf("%q: got %q, want %q", message, got, want)
		}
	}
}
