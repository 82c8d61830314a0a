package envelope_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// FuzzDecode checks that any body gives either an error or an envelope that
// can be shown, and that all members are those that encoding/json sees.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := envelope.Decode(envelope.Raw{Body: body})
		if err != nil {
			if text := err.Error(); len(text) > 1024 || !utf8.ValidString(text) {
				t.Errorf("an error of %d bytes, or not UTF-8: %q", len(text), text)
			}
			return
		}
		if strings.TrimSpace(e.Subject+e.Message) == "" && len(e.Data) == 0 {
			t.Errorf("nothing to show: %+v", e)
		}
		compareMembers(t, e, body)
	})
}

func compareMembers(t *testing.T, e envelope.Envelope, body []byte) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(body), "\uFEFF")), &want); err != nil {
		t.Fatalf("Decode accepts what is not JSON: %v", err)
	}
	for name, got := range map[string]string{"subject": e.Subject, "message": e.Message, "source": e.Source} {
		if text, _ := want[name].(string); got != text {
			t.Errorf("%s = %q, want %q", name, got, text)
		}
	}
	for name, raw := range e.Extra {
		var got any
		if err := json.Unmarshal(raw, &got); err != nil || !reflect.DeepEqual(got, want[name]) {
			t.Errorf("extra %q = %s, want %v (%v)", name, raw, want[name], err)
		}
	}
}
