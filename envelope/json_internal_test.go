package envelope

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzValidJSON holds validJSON and unquote against encoding/json.
func FuzzValidJSON(f *testing.F) {
	for _, text := range []string{
		"", " ", "{}", "[ ]", "{\"a\":[1,-0,1.5e+3,true,false,null],\"b\\u00e9\\n\":{}}\r\n\t", "[1,]", "{\"a\"}", "{\"a\":1,}", "{1:2}", "[1 2]",
		"01", "-", "-a", "1.", ".5", "1e", "1e+", "0.0E-0", "1x", "tru", "nul", "\"", "\"\\\"", "\"\\x\"", "\"\\u12g4\"", "\"\\uD83D\\uDE00 \\ud800\"",
		"\"\x00\"", "\"\x7f\xff\"", "\"\\/\\b\\f\"", "{}{}", "[[]]", "[", "{\"a\":", "\ufeff1",
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
		strings.Repeat("[", 10_000) + "1" + strings.Repeat("]", 10_000), strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, want := validJSON(text), json.Valid([]byte(text))
		if got != want {
			t.Errorf("%q: %t, but encoding/json says %t", text, got, want)
		}
		var s string
		if want && json.Unmarshal([]byte(text), &s) == nil && strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`) {
			if got := unquote(text); strings.ToValidUTF8(got, "\uFFFD") != strings.ToValidUTF8(s, "\uFFFD") && invalidUTF8([]byte(text)) < 0 {
				t.Errorf("%s: %q, but encoding/json reads %q", text, got, s)
			}
		}
	})
}
