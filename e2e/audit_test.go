package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestAuditHasWhatIsAcknowledged kills a worker in mid-run: whatever the broker
// counts as acknowledged is in the audit, with the id under which it was shown.
func TestAuditHasWhatIsAcknowledged(t *testing.T) {
	b := bench{room: func(t *testing.T) roomServer { return inProcessRoom(t, 100) }, broker: embeddedNATS}
	tr := b.trial(t, b.room(t))
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	worker := startWorker(t, tr.env, map[string]string{"AUDIT": path})
	const n = 1500
	tr.publish(n)
	tr.watch.wait(n / 3)
	worker.kill()
	acked, err := tr.broker.acked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := audited(t, path)
	if len(ids) < acked[0] {
		t.Errorf("the broker has %d acknowledgements, the audit %d notifications", acked[0], len(ids))
	}
	startWorker(t, tr.env, map[string]string{"AUDIT": path})
	tr.acknowledged()
	if ids = audited(t, path); len(ids) != n {
		t.Errorf("the audit has %d of %d notifications", len(ids), n)
	}
	tr.allShown(n, 0)
}

// audited returns the stanza ids by the ids of the notifications in an audit.
func audited(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var line struct {
			Outcome, ID string
			StanzaID    string `json:"stanza_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.StanzaID == "" || line.Outcome != "delivered" && line.Outcome != "suppressed" {
			t.Errorf("%v: %s", err, lines.Text())
		}
		if before, ok := ids[line.ID]; ok && before != line.StanzaID {
			t.Errorf("%s has the stanza ids %s and %s", line.ID, before, line.StanzaID)
		}
		ids[line.ID] = line.StanzaID
	}
	return ids
}
