package ingest_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// TestServicesOfTheDocsAreReadable posts what the services of docs/ingest.md send,
// and looks at what the room would show.
func TestServicesOfTheDocsAreReadable(t *testing.T) {
	e := start(t, nil)
	for file, c := range map[string]struct {
		path string
		want []string
	}{
		"grafana.json":             {"/v1/grafana", []string{"High memory usage", "This alert was triggered for zone us-1", "https://myrunbook.com/runbook/1234"}},
		"payara.json":              {"/v1/payara", []string{"Health Check notification", "CPU Usage: 97 %", "app-1"}},
		"uptime-kuma-slack.json":   {"/v1/slack", []string{"Uptime Kuma Alert", "[shop] [🔴 Down] connect ECONNREFUSED 10.0.0.7:443"}},
		"uptime-kuma-webhook.json": {"/v1/notifications", []string{"[shop] [🔴 Down] connect ECONNREFUSED 10.0.0.7:443"}},
	} {
		t.Run(file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			if code, answer, _ := e.post(t, c.path, string(body), bearer, "Content-Type: application/json"); code != http.StatusOK {
				t.Fatal(code, answer)
			}
			text := e.broker.shown(t)
			t.Log(text)
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in\n%s", want, text)
				}
			}
		})
	}
}

// shown is the text of the last message in the room.
func (b *broker) shown(t *testing.T) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.stored[len(b.stored)-1]
	decoded, err := envelope.Decoder{}.Decode(envelope.Raw{Header: m.Header, Body: m.Body})
	if err != nil {
		t.Fatal(err)
	}
	return render.Text(decoded.Envelopes[0])
}
