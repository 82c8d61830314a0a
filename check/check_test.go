package check_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

func sample() check.Report {
	var r check.Report
	r.Add(check.Connection, "tls", check.OK, "TLS 1.3", "")
	r.Add(check.Room, "room", check.Warn, "the room is temporary", "make it persistent")
	r.Fail(check.DeadLetters, "dead letters", &check.Fault{What: "no stream", Err: errors.New("404\nnot found"), Fix: "create one"})
	r.Add(check.DeadLetters, "later", check.Skip, "", "")
	return r
}

func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := sample().WriteTable(&b, false); err != nil {
		t.Fatal(err)
	}
	want := "✓ connection    tls           TLS 1.3\n" +
		"! room          room          the room is temporary: make it persistent\n" +
		"✗ dead letters  dead letters  no stream (404 not found): create one\n" +
		"- dead letters  later         \n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := sample().WriteTable(&b, true); err != nil || strings.ContainsFunc(b.String(), func(r rune) bool { return r > 127 }) {
		t.Errorf("not ASCII: %s %v", b.String(), err)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		OK      bool
		Code    int `json:"exit_code"`
		Results []struct{ Class, Name, Status, Detail, Fix string }
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.OK || got.Code != 7 || len(got.Results) != 4 || got.Results[2].Fix != "create one" || got.Results[2].Status != "fail" {
		t.Errorf("got %+v", got)
	}
}

// The fix is a field: what is wrong may have colons, and so may the fix.
func TestAFixIsNotPartedByItsColons(t *testing.T) {
	t.Parallel()
	var r check.Report
	r.Fail(check.Settings, "settings", fmt.Errorf("load: %w", check.Faultf("give host:port, like: a:1", "ADDR=%q: %w", "a: b", errors.New("no"))))
	if got := r[0]; got.Detail != `load: ADDR="a: b": no` || got.Fix != "give host:port, like: a:1" || got.Text() != `load: ADDR="a: b": no: give host:port, like: a:1` {
		t.Errorf("got %+v", got)
	}
}

func TestExitCodeIsThatOfTheFirstFailure(t *testing.T) {
	t.Parallel()
	r := sample()
	if got := r[:2].ExitCode(); got != 0 {
		t.Errorf("with a warning only: %d", got)
	}
	r.Fail(check.Login, "login", errors.New("no"))
	if got := r.ExitCode(); got != check.DeadLetters.ExitCode() {
		t.Errorf("got %d", got)
	}
	seen := map[int]bool{0: true, 1: true}
	for _, c := range []check.Class{check.Settings, check.Connection, check.Login, check.Room, check.Broker, check.DeadLetters} {
		if seen[c.ExitCode()] {
			t.Errorf("%s: exit code %d is another's", c, c.ExitCode())
		}
		seen[c.ExitCode()] = true
	}
}
