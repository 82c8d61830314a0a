package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// mistake is a wrong setup: one row of the matrix in docs/operations.md. All
// else in the setup is right.
type mistake struct {
	what  string // for people
	class check.Class
	part  string // the name of the line in the report
	fix   string
	warn  bool // it works nevertheless
	real  bool // servers in this process do not make this mistake, only real ones
	fake  bool // no real server makes it, or none takes part

	servers []string // the real ones that it is made on

	env   func(*world) map[string]string // what the operator has set
	room  roomFault
	nats  natsFault
	kafka *kafkaFault // the source is Kafka, not NATS
}

// The real servers that mistakes are made on.
const (
	onProsody  = "Prosody"
	onEjabberd = "ejabberd"
	onNATS     = "NATS"
	onKafka    = "Kafka"
)

// on is the mistake with the real servers that it is made on, if it names none.
func (m mistake) on(servers ...string) mistake {
	if !m.fake && m.servers == nil {
		m.servers = servers
	}
	return m
}

// status is what check says of it.
func (m *mistake) status() check.Status {
	if m.warn {
		return check.Warn
	}
	return check.Fail
}

// world is a setup, made for one mistake.
type world struct {
	env          map[string]string
	addr, direct string // of the XMPP server
	domain       string
	natsAddr     string
	kafkaAddr    string
}

// builder makes worlds: of servers in this process, or of real ones.
type builder interface {
	// makes reports whether the builder can make the mistake.
	makes(m *mistake) bool
	// world makes all right but for the mistake.
	world(t *testing.T, m *mistake) *world
}

// checkMatrix makes every mistake, and looks at what check and run say.
func checkMatrix(t *testing.T, b builder) {
	t.Helper()
	for _, m := range mistakes() {
		if !b.makes(&m) {
			continue
		}
		t.Run(m.what, func(t *testing.T) {
			w := b.world(t, &m)
			if m.env != nil {
				maps.Copy(w.env, m.env(w))
			}
			for name, value := range w.env {
				t.Setenv(name, value)
			}
			m.checked(t)
			m.run(t)
		})
	}
}

// checked has check look: it names the mistake, and nothing else.
func (m *mistake) checked(t *testing.T) {
	t.Helper()
	code, stdout, stderr := invoke(t, "", "check", "--json")
	var got struct{ Results check.Report }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	want := 0
	if !m.warn {
		want = m.class.ExitCode()
	}
	if code != want {
		t.Errorf("check: exit code %d, want %d", code, want)
	}
	named := 0
	for _, r := range got.Results {
		if twice := repeated(r.Text()); twice != "" {
			t.Errorf("check says %q twice: %s", twice, r.Text())
		}
		switch {
		case r.Status == m.status() && r.Class == m.class && r.Name == m.part && r.Fix == m.fix:
			named++
		case r.Status == check.Fail:
			t.Errorf("check: also fails: %+v", r)
		}
	}
	if named != 1 {
		t.Errorf("check names it %d times:\n%s", named, table(got.Results))
	}
}

// repeated returns a part of an error that stands there twice, "" if there is none.
func repeated(text string) string {
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "; ", ": "), ": ") {
		if strings.Count(part, " ") > 1 && strings.Count(text, part) > 1 {
			return part
		}
	}
	return ""
}

func table(r check.Report) string {
	var b strings.Builder
	_ = r.WriteTable(&b, true) // a strings.Builder does not fail
	return b.String()
}

// run has the worker run until its log has the fix.
func (m *mistake) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log := &sharedLog{}
	var running sync.WaitGroup
	running.Go(func() {
		execute(ctx, []string{"run"}, strings.NewReader(""), log, log)
	})
	defer running.Wait()
	defer cancel()
	for end := time.Now().Add(40 * time.Second); !log.says(m.fix); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("run does not say %q:\n%s", m.fix, log)
			return
		}
	}
}

// says reports whether the log, in JSON or not, has the words.
func (l *sharedLog) says(words string) bool {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(words) // a string encodes
	inJSON := strings.Trim(strings.TrimSpace(quoted.String()), `"`)
	text := l.String()
	return strings.Contains(text, words) || strings.Contains(text, inJSON)
}

// TestMatrixIsDocumented holds docs/operations.md against the mistakes.
func TestMatrixIsDocumented(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("\n| what is wrong | line of `check` | exit code | fix that `check` and `run` give | made on |\n|---|---|---|---|---|\n")
	list, onReal := mistakes(), 0
	for _, m := range list {
		code := fmt.Sprint(m.class.ExitCode())
		if m.warn {
			code = "0, a warning"
		}
		servers := "the test's process"
		if len(m.servers) > 0 {
			onReal++
			servers = strings.Join(m.servers, ", ")
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s |\n", escape(m.what), m.part, code, escape(m.fix), servers)
	}
	if onReal < 30 {
		t.Errorf("%d of %d mistakes are made on real servers, want 30", onReal, len(list))
	}
	t.Logf("%d mistakes, %d of them on real servers", len(list), onReal)
	checkSection(t, "../../docs/operations.md", "matrix", rows.String()+"\n")
}
