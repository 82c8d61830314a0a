package sources_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // a flag of the test binary

// TestDeadLettersSayWhatIsWrongAndWhere compares the reason in the dead letter
// of every testdata/malformed/*.in, whose headers may be in the file beside it,
// with what people should read.
func TestDeadLettersSayWhatIsWrongAndWhere(t *testing.T) {
	samples, err := filepath.Glob("testdata/malformed/*.in")
	if err != nil || len(samples) < 20 {
		t.Fatalf("%d samples, want at least 20 (%v)", len(samples), err)
	}
	for _, sample := range samples {
		name := strings.TrimSuffix(sample, ".in")
		t.Run(filepath.Base(name), func(t *testing.T) {
			m := sources.Message{Broker: "nats", Topic: "notify.test", Stream: "NOTIFY", Raw: readMalformed(t, name)}
			d := sources.NewDelivery(m, nil)
			d.Decode(envelope.Decoder{})
			if d.Malformed == nil {
				t.Fatalf("it decodes: %+v", d.Envelopes)
			}
			letter := envelope.Raw{Header: sources.DeadLetterHeaders(&m, sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}, time.Now())}
			got := letter.Get("x-dlq-error") + "\n"
			if *update {
				if err := os.WriteFile(name+".reason", []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name + ".reason")
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got  %swant %s", got, want)
			}
		})
	}
}

func readMalformed(t *testing.T, name string) envelope.Raw {
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
