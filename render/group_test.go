package render_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// storm is a webhook message of Alertmanager with that many alerts: the fifth is
// critical, every third has ended.
func storm(t *testing.T, alerts int) envelope.Envelope {
	t.Helper()
	var list []string
	for i := range alerts {
		status, severity, ends := "firing", "warning", "0001-01-01T00:00:00Z"
		if i == 4 {
			severity = "critical"
		}
		if i%3 == 2 {
			status, ends = "resolved", "2026-03-29T11:20:00Z"
		}
		list = append(list, fmt.Sprintf(`{"status":%q,"fingerprint":"f%d","startsAt":%q,"endsAt":%q,
			"labels":{"alertname":"KubePodCrashLooping","severity":%q,"namespace":"shop","pod":"cart-%d"},
			"annotations":{"summary":"Pod is crash looping","description":"cart-%d restarted"}}`,
			status, i, time.Date(2026, 3, 29, 11, 0, i, 0, time.UTC).Format(time.RFC3339), ends, severity, i, i))
	}
	body := `{"version":"4","groupKey":"k","receiver":"chat","status":"firing","externalURL":"https://am.example.org",
		"groupLabels":{"alertname":"KubePodCrashLooping"},"commonLabels":{"alertname":"KubePodCrashLooping","namespace":"shop"},
		"commonAnnotations":{"summary":"Pod is crash looping"},"alerts":[` + strings.Join(list, ",") + `]}`
	decoded, err := envelope.Decoder{}.Decode(envelope.Raw{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return envelope.Group(decoded.Envelopes)
}

func TestAGroupListsTheWorstFirst(t *testing.T) {
	c := settings()
	c.Mention = []string{"alice"}
	got := newRenderer(t, c).Text(storm(t, 6))
	want := `🔴 CRITICAL KubePodCrashLooping: Pod is crash looping (namespace=shop): 4 firing, 2 resolved
🔴 pod=cart-4
🟡 pod=cart-0
🟡 pod=cart-1
🟡 pod=cart-3
✅ pod=cart-2
✅ pod=cart-5
→ alertmanager https://am.example.org
— alertmanager · 2026-03-29 11:20:00 UTC
→ alice`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAGroupSaysHowManyItDoesNotList(t *testing.T) {
	got := render.Text(storm(t, 200))
	checkText(t, got)
	if want := "\n… and 181 more: 115 firing, 66 resolved\n→"; !strings.Contains(got, want) || strings.Count(got, "\n") != 22 {
		t.Errorf("got %s, want %q in 23 lines", got, want)
	}
	hostile := make([]envelope.Envelope, 1000)
	for i := range hostile {
		hostile[i] = envelope.Envelope{Subject: strings.Repeat("*/me* ", 100), Message: strings.Repeat("x", 1000), Labels: map[string]string{"a": strings.Repeat("_", 1000)}}
	}
	checkText(t, render.Text(envelope.Group(hostile)))
}

func TestAGroupOfDifferentThingsNamesEach(t *testing.T) {
	at := time.Date(2026, 3, 29, 11, 0, 0, 0, time.UTC)
	got := render.Text(envelope.Group([]envelope.Envelope{
		{Subject: "Build of pay failed", Message: "step 3", Source: "ci", Severity: envelope.Info, Time: at},
		{Message: "only a text\nof two lines", Source: "ci", Time: at.Add(time.Minute)},
		{Subject: "Disk is full", Message: "x", Source: "ci", HostName: "db-1", Severity: envelope.Error, Labels: map[string]string{"team": "db"}},
		{Subject: "Disk is full", Message: "x", Source: "ci", HostName: "db-2", Severity: envelope.Error, State: envelope.Resolved},
		{Data: []byte(`{"n":1}`), Source: "ci"},
	}))
	want := `🟠 ERROR ci: 1 resolved, 4 other
🟠 Disk is full (team=db)
🔵 Build of pay failed
• n: 1
• only a text
✅ Disk is full (db-2)
— ci · 2026-03-29 11:01:00 UTC`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTemplatesSeeTheMembersOfAGroup has what Alertmanager's templates do.
func TestTemplatesSeeTheMembersOfAGroup(t *testing.T) {
	for template, want := range map[string]string{
		`[{{.Status | toUpper}}:{{.Alerts.Firing | len}}] {{.CommonLabels.namespace}} {{len .Alerts}}`:                   "[FIRING:4] shop 6",
		`{{range .Alerts.Resolved}}{{.Labels.pod}} {{end}}{{(index .Alerts 0).Severity}} {{(first .Alerts).Labels.pod}}`: "cart-2 cart-5 critical cart-4",
		`{{lines 2 .Message}}`: "🔴 pod=cart-4\n🟡 pod=cart-0\n… (cut, 62 more bytes)",
	} {
		if got := byTemplate(t, template, storm(t, 6)); got != want {
			t.Errorf("%s\n got %q\nwant %q", template, got, want)
		}
	}
}

// TestTemplatesTakeLargeGroupsApart has more in the members than a text may hold.
func TestTemplatesTakeLargeGroupsApart(t *testing.T) {
	group := storm(t, 500)
	group.Members[0].Data = []byte(`{"log":"` + strings.Repeat("x", 100_000) + `"}`)
	got := byTemplate(t, `{{(index .Alerts 0).Labels.pod}} {{len (rest .Alerts)}} {{with first .Alerts}}{{.Severity}}{{end}} {{len (append .Alerts .)}} {{printf "%.20s" (last .Alerts)}}`, group)
	if want := "cart-4 499 critical 501 ✅ RESOLVED KubePodCr"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBotsReadEveryMemberOfAGroup(t *testing.T) {
	c := settings()
	c.Payload = true
	got := newRenderer(t, c).Payload(storm(t, 6))
	checkPayload(t, got)
	if n := strings.Count(got, "<notification "); n != 6 || !strings.HasPrefix(got, "<notification xmlns='"+render.Namespace+"'") {
		t.Errorf("%d elements: %s", n, got)
	}
	if many := newRenderer(t, c).Payload(storm(t, 500)); len(many) > 10_000 {
		t.Errorf("%d bytes for 500 members", len(many))
	}
}
