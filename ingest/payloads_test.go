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
	for file, c := range map[string]struct{ path, want string }{
		"grafana.json": {"/v1/grafana", "🔔 FIRING High memory usage: This alert was triggered for zone us-1\n"},
		"payara.json":  {"/v1/payara", "Health Check notification\nCPU Usage: 97 %\n— payara · app-1 · server-1 · i-1 · production"},
		"uptime-kuma-slack.json": {"/v1/slack", "🟠 ERROR Uptime Kuma Alert\n[shop] [🔴 Down] connect ECONNREFUSED 10.0.0.7:443\nTime (UTC): 2026-11-30 12:00:00.000\n" +
			"→ Visit Uptime Kuma https://uptime.example.org/dashboard/29\n— Uptime Kuma"},
		"slack-ci.json": {"/v1/slack", "🟠 ERROR Deploy of shop (https://ci.example.org/shop) failed & was rolled back @here\nshop 4.12.6\n3 of 12 pods crash at start\n" +
			"Environment: production\nAttempt: 2\n→ shop 4.12.6 https://ci.example.org/shop/4126\n— ci"},
		"uptime-kuma-webhook.json": {"/v1/notifications", "shop: down\n[shop] [🔴 Down] connect ECONNREFUSED 10.0.0.7:443\n"},
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
			if !strings.Contains(text+"\n", c.want) {
				t.Errorf("got\n%s\nwant\n%s", text, c.want)
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
