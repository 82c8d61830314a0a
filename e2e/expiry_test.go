package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatHasExpiredIsCounted: what came too late is one line, with which it is
// acknowledged, and which the audit names.
func TestWhatHasExpiredIsCounted(t *testing.T) {
	brokers := map[string]func(*testing.T) broker{"JetStream": embeddedNATS, "Kafka": fakeKafka}
	for name, open := range brokers {
		t.Run(name, func(t *testing.T) {
			server := inProcessRoom(t, 20).(*inProcess) //nolint:forcetypeassert // what it returns
			tr := bench{room: func(*testing.T) roomServer { return server }, broker: open}.trial(t, server)
			audit := filepath.Join(t.TempDir(), "audit.jsonl")
			tr.env["AUDIT"], tr.env["DIGEST_EVERY"] = audit, "500ms"
			var items []item
			for i := range 8 {
				k := key{0, tr.number(0)}
				body := notification(k)
				if i%2 == 0 {
					body = bytes.Replace(body, []byte("{"), []byte(`{"expires":"2026-03-29T18:00:00Z",`), 1)
				}
				items = append(items, item{0, body})
			}
			tr.send(items)
			worker := startWorker(t, tr.env)
			tr.acknowledged()
			worker.terminate()
			text, err := os.ReadFile(audit)
			tr.must(err)
			single, counted := 0, 0
			for _, post := range server.Transcript() {
				if n := 0; strings.HasPrefix(post.Body, "⏱ ") {
					_, _ = fmt.Sscanf(post.Body, "⏱ %d expired before", &n)
					counted += n
				} else {
					single++
				}
				if !bytes.Contains(text, []byte(post.ID)) {
					t.Errorf("the audit does not have %s: %s", post.ID, post.Body)
				}
			}
			if single != 4 || counted != 4 || bytes.Count(text, []byte(`"expired"`)) != 4 {
				t.Errorf("%d were shown alone, %d counted as expired; the audit is\n%s", single, counted, text)
			}
		})
	}
}
