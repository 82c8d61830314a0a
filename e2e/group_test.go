package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// alertStorm is a webhook message of Alertmanager with 200 alerts, in this order.
func alertStorm(order []int) []byte {
	var alerts []string
	for _, i := range order {
		alerts = append(alerts, fmt.Sprintf(`{"status":"firing","fingerprint":"f%d","startsAt":"2026-03-29T11:05:00Z","endsAt":"0001-01-01T00:00:00Z",
			"labels":{"alertname":"DiskFull","severity":"critical","instance":"db-%d:9100"},"annotations":{"summary":"Disk full on db-%d"}}`, i, i, i))
	}
	return fmt.Appendf(nil, `{"version":"4","groupKey":"k","receiver":"room","status":"firing","groupLabels":{"alertname":"DiskFull"},
		"commonLabels":{"alertname":"DiskFull","severity":"critical"},"commonAnnotations":{},"alerts":[%s]}`, strings.Join(alerts, ","))
}

// TestAStormOfAlertsIsOnePost: 200 alerts of one message are one post with one
// mention, also if a replica tells of them in another order, and if a worker
// that knows nothing takes over.
func TestAStormOfAlertsIsOnePost(t *testing.T) {
	server := inProcessRoom(t, 20).(*inProcess) //nolint:forcetypeassert // what it returns
	b := bench{room: func(*testing.T) roomServer { return server }, broker: embeddedNATS}
	tr := b.trial(t, server)
	order := make([]int, 200)
	for i := range order {
		order[i] = i
	}
	first := startWorker(t, tr.env, map[string]string{"MENTION": "alice"})
	send := func() {
		tr.number(0)
		tr.send([]item{{0, alertStorm(order)}})
		tr.acknowledged()
	}
	send()
	slices.Reverse(order)
	send()
	first.kill()
	second := startWorker(t, tr.env, map[string]string{"MENTION": "alice"})
	send()
	second.terminate()
	posts := server.Transcript()
	if len(posts) != 1 {
		t.Fatalf("the room has shown %d posts, want 1", len(posts))
	}
	text := posts[0].Body
	if !strings.HasPrefix(text, "🔴 CRITICAL DiskFull: 200 firing\n🔴 Disk full on db-0\n") || !strings.Contains(text, "\n… and 181 more: 181 firing\n") ||
		strings.Count(text, "alice") != 1 {
		t.Errorf("the room has shown\n%s", text)
	}
}
