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
