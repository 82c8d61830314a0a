package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry/audit"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

func delivery(t *testing.T, body string) *sources.Delivery {
	t.Helper()
	d := sources.NewDelivery(sources.Message{Broker: "kafka", Topic: "alerts", Partition: 2, Offset: 7, Raw: envelope.Raw{Body: []byte(body)}}, nil)
	d.Decode(envelope.Decoder{})
	d.Trim() // as the worker has it when it tells
	return d
}

const batch = `[{"specversion":"1.0","type":"t","source":"/s","id":"1","data":{"title":"secret text","severity":"critical"}},` +
	`{"specversion":"1.0","type":"t","source":"/s","id":"2","data":{"title":"two"}}]`

func TestEachNotificationHasALine(t *testing.T) {
	var out bytes.Buffer
	l, err := audit.Open(audit.Config{Target: "stdout"}, &out, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d := delivery(t, batch)
	reason := sources.Reason{Code: sources.ReasonRejected, Err: errors.New("too rude")}
	for _, e := range []worker.Event{
		{Kind: worker.Received},
		{Kind: worker.Delivered, Parts: []int{0}, StanzaID: "abc"},
		{Kind: worker.Suppressed, Parts: []int{0, 1}, StanzaID: "def"},
		{Kind: worker.Filtered, Parts: []int{1}, Why: "severity"},
		{Kind: worker.Delivered, Parts: []int{1}, StanzaID: "ghi", Together: 37},
		{Kind: worker.Delivered, Parts: []int{1}, StanzaID: "mno", Replaced: "abc"},
		{Kind: worker.Expired, Parts: []int{1}, StanzaID: "jkl", Together: 5},
		{Kind: worker.Digested, StanzaID: "ghi", Together: 37},
		{Kind: worker.Failed, Reason: reason},
		{Kind: worker.Acked},
	} {
		e.Source, e.Delivery = "kafka:alerts", d
		l.Observe(e)
	}
	want := []map[string]any{
		{"outcome": "delivered", "stanza_id": "abc", "id": "1", "publisher": "/s", "severity": "critical"},
		{"outcome": "suppressed", "stanza_id": "def", "id": "1", "publisher": "/s", "severity": "critical", "group": 2.0},
		{"outcome": "suppressed", "stanza_id": "def", "id": "2", "publisher": "/s", "group": 2.0},
		{"outcome": "filtered", "id": "2", "publisher": "/s", "reason": "severity"},
		{"outcome": "delivered", "stanza_id": "ghi", "id": "2", "publisher": "/s", "digest": 37.0},
		{"outcome": "delivered", "stanza_id": "mno", "id": "2", "publisher": "/s", "replaces": "abc"},
		{"outcome": "expired", "stanza_id": "jkl", "id": "2", "publisher": "/s", "digest": 5.0},
		{"outcome": "dead_letter", "reason": "rejected", "error": "too rude"},
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d\n%s", len(lines), len(want), out.String())
	}
	for i, text := range lines {
		var got map[string]any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err, text)
		}
		if got["source"] != "kafka:alerts" || got["place"] != "kafka alerts[2]@7" || got["time"] == nil {
			t.Errorf("got %s", text)
		}
		for _, key := range []string{"time", "source", "place"} {
			delete(got, key)
		}
		for key, value := range want[i] {
			if got[key] != value {
				t.Errorf("%s is %v, want %v: %s", key, got[key], value, text)
			}
		}
		if len(got) != len(want[i]) || strings.Contains(text, "secret text") {
			t.Errorf("line %d has more: %s", i, text)
		}
	}
}

func TestAFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for range 2 {
		l, err := audit.Open(audit.Config{Target: path}, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		l.Observe(worker.Event{Kind: worker.Delivered, Delivery: delivery(t, `{"subject":"1"}`), Parts: []int{0}})
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte("\n")) != 2 {
		t.Errorf("%v %s", err, text)
	}
	if _, err := audit.Open(audit.Config{Target: filepath.Join(path, "x")}, nil, nil); err == nil || !strings.Contains(err.Error(), "AUDIT: ") {
		t.Errorf("got %v", err)
	}
}

// full is a disk without room.
type full struct{ err error }

func (f *full) Write(p []byte) (int, error) { return len(p), f.err }

func TestThatLinesAreMissingIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	disk := &full{errors.New("no space left")}
	l, err := audit.Open(audit.Config{Target: "stdout"}, disk, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	e := worker.Event{Kind: worker.Delivered, Delivery: delivery(t, `{"subject":"1"}`), Parts: []int{0}}
	for range 3 {
		l.Observe(e)
	}
	disk.err = nil
	l.Observe(e)
	if n := strings.Count(log.String(), "audit cannot be written"); n != 1 || !strings.Contains(log.String(), "audit is written again") {
		t.Errorf("logged %s", log.String())
	}
}

// pipe is one that nobody reads until it is opened.
type pipe struct {
	open  chan struct{}
	lines atomic.Int64
}

func (p *pipe) Write(b []byte) (int, error) {
	<-p.open
	p.lines.Add(1)
	return len(b), nil
}

// A pipe that nobody reads holds the acknowledgements up for some seconds, and not
// for ever: then lines are missing, which is said and counted.
func TestAPipeThatNobodyReadsStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := &pipe{open: make(chan struct{})}
		l, err := audit.Open(audit.Config{Target: "stdout"}, p, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		e := worker.Event{Kind: worker.Delivered, Delivery: delivery(t, `{"subject":"1"}`), Parts: []int{0}}
		begin := time.Now()
		for range 1000 {
			l.Observe(e)
		}
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("1000 lines took %s", took)
		}
		close(p.open)
		synctest.Wait()
		l.Observe(e)
		if n := strings.Count(log.String(), "audit cannot be written"); n != 1 || !strings.Contains(log.String(), `"audit is written again" missing=1000`) {
			t.Errorf("logged %s", log.String())
		}
		if p.lines.Load() != 2 || l.Missing() != 1000 { // the first was written late, the last in time
			t.Errorf("%d lines are written, %d missing", p.lines.Load(), l.Missing())
		}
	})
}

func TestANamedPipeThatNobodyReadsIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Open(audit.Config{Target: path}, nil, nil); err == nil || !strings.Contains(err.Error(), "AUDIT: ") {
		t.Errorf("got %v", err)
	}
}

func TestWithoutASettingThereIsNoAudit(t *testing.T) {
	l, err := audit.Open(audit.Config{}, nil, nil)
	if l != nil || err != nil || l.Close() != nil {
		t.Error("there is one")
	}
	l.Observe(worker.Event{Kind: worker.Delivered})
}
