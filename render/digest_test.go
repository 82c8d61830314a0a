package render_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// many are notifications of a storm, one a second.
func many() []envelope.Summary {
	var list []envelope.Summary
	add := func(count int, name, host string, severity envelope.Severity, state envelope.State) {
		for i := range count {
			n := len(list)
			s := envelope.Summary{
				Name: name, Severity: severity, State: state, Time: time.Date(2026, 3, 29, 13, 5, n, 0, time.UTC),
				Log: "NOTIFY", Offset: uint64(1001 + n),
			}
			if strings.Contains(name, "%d") {
				s.Name = fmt.Sprintf(name, i)
			}
			if host != "" {
				s.Host = fmt.Sprintf(host, i+1)
			}
			list = append(list, s)
		}
	}
	add(12, "HighCPU", "web-%d", envelope.Warning, envelope.Firing)
	add(9, "DiskFull", "db-%d", envelope.Error, envelope.Firing)
	add(2, "Down", "router-%d", envelope.Critical, envelope.Firing)
	add(3, "Order 100%d failed", "", envelope.Error, "")
	add(1, "deployed *now*", "ci-%d", envelope.Info, "")
	add(8, "HighCPU", "app-%d", envelope.Warning, envelope.Resolved)
	add(2, "something", "", envelope.Unspecified, "")
	return list
}

func TestADigestGroupsTheWorstFirst(t *testing.T) {
	c := settings()
	c.Mention = []string{"alice"}
	got := newRenderer(t, c).Digest(many())
	want := `🔴 DIGEST 37 notifications in 36 s: 2 critical, 12 error, 12 warning, 1 info, 2 without severity, 8 resolved
🔴 2 × Down — router-1, router-2 · 13:05:21–13:05:22
🟠 9 × DiskFull — db-1, db-2, db-3 and 6 more · 13:05:12–13:05:20
🟠 3 × Order … failed · 13:05:23–13:05:25
🟡 12 × HighCPU — web-1, web-2, web-3 and 9 more · 13:05:00–13:05:11
🔵 deployed ` + "\u2060" + `*now* — ci-1 · 13:05:26
• 2 × something · 13:05:35–13:05:36
✅ 8 × HighCPU — app-1, app-2, app-3 and 5 more · 13:05:27–13:05:34
→ full texts: NOTIFY 1001–1037 · 2026-03-29 UTC
→ alice`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Whatever the limits are, the sum and the place are there.
func TestADigestKeepsTheLimits(t *testing.T) {
	for lines := 1; lines < 10; lines++ {
		c := settings()
		c.MaxLines = lines
		got := strings.Split(newRenderer(t, c).Digest(many()), "\n")
		if len(got) > max(lines, 2)+1 || !strings.HasPrefix(got[0], "🔴 DIGEST 37 ") || !strings.HasPrefix(got[len(got)-1], "→ full texts: NOTIFY") {
			t.Errorf("TEXT_MAX_LINES=%d: %d lines\n%s", lines, len(got), strings.Join(got, "\n"))
		}
		if lines == 4 && got[3] != "26 more of 5 kinds" {
			t.Errorf("got %q", got[3])
		}
	}
	c := settings()
	c.MaxBytes = 200
	if got := newRenderer(t, c).Digest(many()); len(got) > 300 {
		t.Errorf("%d bytes\n%s", len(got), got)
	}
}

func TestADigestOfSeveralDaysAndPartitions(t *testing.T) {
	var list []envelope.Summary
	for i := range 12 {
		list = append(list, envelope.Summary{
			Name: "backup", Host: "db", Severity: envelope.Info, Time: time.Date(2026, 3, 27+i%3, 23, 0, 0, 0, time.UTC),
			Log: fmt.Sprintf("alerts[%d]", i%6), Offset: uint64(i),
		})
	}
	want := `🔵 DIGEST 12 notifications since 2026-03-27: 12 info
🔵 12 × backup — db · 03-27 23:00–03-29 23:00
→ full texts: alerts[0] 0–6, alerts[1] 1–7, alerts[2] 2–8, alerts[3] 3–9 and 2 more · UTC`
	if got := newRenderer(t, settings()).Digest(list); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestADigestMentionsNobodyForWhatHasEnded(t *testing.T) {
	c := settings()
	c.Mention = []string{"alice"}
	list := []envelope.Summary{{Name: "alice is down", Severity: envelope.Critical, State: envelope.Resolved}, {Name: "b", Severity: envelope.Info}}
	if got := newRenderer(t, c).Digest(list); strings.Contains(got, "alice") {
		t.Errorf("got\n%s", got)
	}
}

func TestWhatHasExpiredIsOneLine(t *testing.T) {
	want := "⏱ 37 expired before they could be shown: 2 critical, 12 error, 12 warning, 1 info, 2 without severity, 8 resolved; newest: something, 13:05:36\n" +
		"→ full texts: NOTIFY 1001–1037 · 2026-03-29 UTC"
	if got := newRenderer(t, settings()).Expired(many()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := newRenderer(t, settings()).Expired(many()[:1]), "⏱ 1 expired before it could be shown: 1 warning; HighCPU web-1, 13:05:00\n→ full texts: NOTIFY 1001 · 2026-03-29 UTC"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	hostile := []envelope.Summary{{Name: "/me\n> is\x1b[31m gone", Host: "a\u202eb"}}
	if got := newRenderer(t, settings()).Expired(hostile); strings.Count(got, "\n") != 0 || strings.ContainsAny(got, "\x1b\u202e") {
		t.Errorf("got %q", got)
	}
}

func TestAnOutageIsOneLine(t *testing.T) {
	from := time.Date(2026, 3, 29, 12, 1, 0, 0, time.UTC)
	const before, after = "⏳ Back after 8 min (12:01–12:09 UTC, connection lost): ", "⏳ Back after 30 h (03-29 12:01–03-30 18:01 UTC, connection lost): "
	for want, outage := range map[string]struct {
		took    time.Duration
		waiting int64
		oldest  time.Time
	}{
		before + "143 notifications follow":                           {8 * time.Minute, 143, time.Time{}},
		before + "143 notifications follow, the oldest of 12:01:30":   {8 * time.Minute, 143, from.Add(30 * time.Second)},
		before + "1 notification follows, of 12:01:30":                {8 * time.Minute, 1, from.Add(30 * time.Second)},
		after + "143 notifications follow, the oldest of 03-29 12:02": {30 * time.Hour, 143, from.Add(time.Minute)},
		after + "143 notifications follow, the oldest of 17:31:00":    {30 * time.Hour, 143, from.Add(29*time.Hour + 30*time.Minute)},
	} {
		got := newRenderer(t, settings()).Outage(from, from.Add(outage.took), "connection lost", outage.waiting, outage.oldest)
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
