package render_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // a flag of the test binary

// TestText compares every testdata/*.json with the text beside it. After a
// deliberate change: go test ./render -update, and read the difference.
func TestText(t *testing.T) {
	samples, err := filepath.Glob("testdata/*.json")
	if err != nil || len(samples) < 15 {
		t.Fatalf("%d samples, want at least 15 (%v)", len(samples), err)
	}
	for _, sample := range samples {
		t.Run(strings.TrimSuffix(filepath.Base(sample), ".json"), func(t *testing.T) {
			got := renderFile(t, sample)
			checkText(t, got)
			golden := strings.TrimSuffix(sample, ".json") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(read(t, golden)); got+"\n" != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// TestTextOfFormats does the same for the samples of every format: the texts
// of all notifications in a message, and for Alertmanager of the group.
func TestTextOfFormats(t *testing.T) {
	samples, err := filepath.Glob("../envelope/testdata/samples/*.in")
	if err != nil || len(samples) < 60 {
		t.Fatalf("%d samples, want at least 60 (%v)", len(samples), err)
	}
	for _, sample := range samples {
		name := strings.TrimSuffix(filepath.Base(sample), ".in")
		t.Run(name, func(t *testing.T) {
			list := decodeSample(t, sample)
			got := texts(t, list)
			if strings.HasPrefix(name, "alertmanager") && len(list) > 1 {
				got += "=== group\n" + texts(t, []envelope.Envelope{envelope.Group(list)})
			}
			golden := "testdata/formats/" + name + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(read(t, golden)); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func decodeSample(t *testing.T, sample string) []envelope.Envelope {
	t.Helper()
	raw := envelope.Raw{Body: read(t, sample)}
	if headers, err := os.ReadFile(strings.TrimSuffix(sample, ".in") + ".headers"); err == nil {
		for line := range strings.Lines(string(headers)) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			raw.Header = append(raw.Header, envelope.Header{Key: key, Value: value})
		}
	}
	decoded, err := envelope.Decoder{}.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return decoded.Envelopes
}

func texts(t *testing.T, list []envelope.Envelope) string {
	t.Helper()
	var all strings.Builder
	for i, e := range list {
		if i > 0 {
			all.WriteString("---\n")
		}
		text := render.Text(e)
		checkText(t, text)
		all.WriteString(text + "\n")
	}
	return all.String()
}

func renderFile(t *testing.T, file string) string {
	t.Helper()
	e, err := envelope.Decode(envelope.Raw{Body: read(t, file)})
	if err != nil {
		t.Fatal(err)
	}
	return render.Text(e)
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func ExampleText() {
	fmt.Println(render.Text(envelope.Envelope{
		Severity: envelope.Critical,
		Subject:  "Disk full on db-1",
		Message:  "/var/lib/postgresql is at 100 %",
		Source:   "disk-watch",
		HostName: "db-1.example.org",
	}))
	// Output:
	// 🔴 CRITICAL Disk full on db-1
	// /var/lib/postgresql is at 100 %
	// — disk-watch · db-1.example.org
}
