package envelope_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // a flag of the test binary

// model is what a golden file holds: how a message was recognised, and what it
// means.
type model struct {
	Format    string              `json:"format"`
	Why       string              `json:"why"`
	Envelopes []envelope.Envelope `json:"envelopes"`
}

// TestSamples compares every testdata/samples/*.in, whose headers may be in
// the file beside it, with its model. After a deliberate change:
// go test ./envelope -update, and read the difference.
func TestSamples(t *testing.T) {
	samples, err := filepath.Glob("testdata/samples/*.in")
	if err != nil || len(samples) < 60 {
		t.Fatalf("%d samples, want at least 60 (%v)", len(samples), err)
	}
	for _, sample := range samples {
		name := strings.TrimSuffix(sample, ".in")
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw := readSample(t, name)
			decoded, err := envelope.Decoder{}.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			if want, _, _ := strings.Cut(filepath.Base(name), "-"); decoded.Format != want {
				t.Errorf("recognised as %s, because %s", decoded.Format, decoded.Why)
			}
			got := model{Format: decoded.Format, Why: decoded.Why, Envelopes: decoded.Envelopes}
			compareGolden(t, got, name+".model.json")
		})
	}
}

func compareGolden(t *testing.T, got model, file string) {
	t.Helper()
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(got); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", text.String(), want)
	}
}

// readSample reads a message and, if there is a file with them, its headers.
func readSample(t *testing.T, name string) envelope.Raw {
	t.Helper()
	body, err := os.ReadFile(name + ".in")
	if err != nil {
		t.Fatal(err)
	}
	raw := envelope.Raw{Body: body}
	headers, err := os.ReadFile(name + ".headers")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(headers)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		raw.Header = append(raw.Header, envelope.Header{Key: key, Value: value})
	}
	return raw
}
