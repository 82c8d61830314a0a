package exec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/template"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/exec"
)

// link and notice are data with all that templates can meet.
type link struct{ Name, URL string }

type notice struct {
	Subject string
	Level   int
	Share   float64
	On      bool
	Labels  map[string]string
	Data    map[string]any
	List    []any
	Links   []link
	Parent  *notice
	hidden  string
}

func (n *notice) Link(name string) string { return "https://example.org/" + name }

func (n *notice) Words() []string { return strings.Fields(n.Subject) }

func method(receiver any, name string) any {
	n, ok := receiver.(*notice)
	switch {
	case ok && name == "Link":
		return n.Link
	case ok && name == "Words":
		return n.Words
	}
	return nil
}

func data() *notice {
	return &notice{
		Subject: "Disk full", Level: 18, Share: 0.5, On: true, hidden: "secret",
		Labels: map[string]string{"team": "storage", "b-c": "d"},
		Data:   map[string]any{"used": "0.99", "deep": map[string]any{"x": nil, "y": []any{"z", 1}}, "none": nil},
		List:   []any{"a", 2, nil, true}, Links: []link{{"runbook", "https://r"}, {"", ""}},
		Parent: &notice{Subject: "parent"},
	}
}

func funcs() map[string]any {
	return map[string]any{
		"upper": strings.ToUpper, "print": fmt.Sprint, "printf": fmt.Sprintf, "join": strings.Join,
		"times": func(n int, s string) string { return strings.Repeat(s, n) },
		"some":  func(n ...int) int { return len(n) },
		"half":  func(f float64) float64 { return f / 2 },
		"fail":  func() (string, error) { return "", errFail },
		"crash": func(s []string) string { return s[3] },
	}
}

var (
	errFail  = errors.New("failed")
	errSteps = errors.New("too many steps")
)

// ours is the text of the package under test, within 1000 steps.
func ours(text string, n *notice) (string, error) {
	t, err := exec.Parse("t", text, funcs())
	if err != nil {
		return "", err
	}
	steps := 0
	var out strings.Builder
	err = t.Execute(exec.Env{Out: &out, Funcs: funcs(), Method: method, Step: func() error {
		if steps++; steps > 1000 {
			return errSteps
		}
		return nil
	}}, n)
	return out.String(), err
}

// theirs is the text of text/template.
func theirs(text string, n *notice) (string, error) {
	t, err := template.New("t").Funcs(funcs()).Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, n)
	return strings.ReplaceAll(out.String(), "<no value>", ""), err
}

// templates give a text.
func templates() []string {
	return []string{
		"", "plain", "{{.Subject}} {{.Level}} {{.Share}} {{.On}}", "{{/* nothing */}}a{{- 1 -}} b",
		`{{.Labels.team}}{{.Labels.none}}{{index .Labels "b-c"}}{{index .Labels "none"}}`,
		`{{.Data.used}} {{.Data.deep.y}} {{.Data.absent.more}} {{index .Data "deep" "y" 1}}`,
		`{{.Link "runbook"}} {{"x" | .Link}} {{$.Link "y"}} {{(.Link "z") | upper}} {{.Words}}`,
		`{{with .Labels.team}}{{.}}{{else}}no{{end}}{{with .Labels.none}}{{.}}{{else with $.Subject}}{{.}}{{end}}`,
		`{{if .On}}a{{end}}{{if not .On}}b{{else if gt .Level 17}}c{{else}}d{{end}}`,
		`{{range .Links}}{{.Name}}={{.URL}};{{end}}{{range $i, $l := .Links}}{{$i}}{{$l.Name}}{{end}}`,
		`{{range $k, $v := .Labels}}{{$k}}{{$v}}{{end}}{{range $v := .Labels}}{{$v}}{{.}}{{end}}{{range .Data}}{{.}}{{end}}`,
		`{{range 3}}{{.}}{{end}}{{range $i := 3}}{{$i}}{{end}}{{range 0}}x{{else}}none{{end}}{{range .Data.none}}x{{else}}nil{{end}}`,
		`{{range .List}}{{if eq (print .) "2"}}{{continue}}{{end}}{{.}}{{if not .}}{{break}}{{end}},{{end}}`,
		`{{$x := 1}}{{range 3}}{{$x = .}}{{$y := $x}}{{end}}{{$x}}{{$l := "q"}}{{range $l = .Words}}{{$l}}{{end}}{{$l}}`,
		`{{define "a"}}<{{.}}{{$}}>{{end}}{{template "a" .Subject}}{{template "a"}}{{block "b" 1}}{{.}}{{end}}`,
		`{{define "r"}}{{if gt (len .) 1}}{{slice . 1}}{{template "r" slice . 1}}{{end}}{{end}}{{template "r" "abcd"}}`,
		`{{eq 1 2 1}} {{eq "a" "b"}} {{ne .Level 18}} {{lt 1 2}} {{le 2 2}} {{gt 1.5 1.0}} {{ge "b" "a"}} {{eq .On true}}`,
		`{{eq nil nil}} {{eq .Data.none nil}} {{eq .Labels.none ""}} {{eq (index .Links 0) (index .Links 1)}}`,
		`{{and 1 0 .Boom}} {{or 0 "" "x"}} {{and .On .Subject}} {{or .Labels.none "fallback"}} {{"" | or 0}} {{not 1}}`,
		`{{len .Links}} {{len "äb"}} {{len .Labels}} {{index "abc" 1}} {{slice "abc" 1}} {{slice "abc" 0 2}} {{slice .List 1 2}} {{slice "a"}}`,
		`{{printf "%d %s %v %5.1f" 1 "a" nil 2}} {{print 1 2 "a"}} {{"a" | printf "%s%s" "b"}} {{printf "%v" .Labels}}`,
		`{{times 2 "ab"}} {{"ab" | times 0x2}} {{some}} {{some 1 2}} {{3 | some 1}} {{half 3}} {{half 2.5}} {{times '\x02' "x"}}`,
		`{{1}} {{1.0}} {{1e3}} {{0x10}} {{'a'}} {{true}} {{"q\n"}} {{` + "`raw`" + `}} {{1i}} {{-1}}`,
		`{{.Parent.Subject}} {{.Parent.Link "p"}} {{(index .Links 0).Name}} {{(.Words)}} {{with $w := .Words}}{{index $w 0}}{{end}}`,
		`{{join .Words "-"}} {{if .Parent}}p{{end}} {{with .Parent.Parent}}x{{else}}none{{end}}`,
	}
}

// failing are templates with a mistake that is seen when they run, or before.
func failing() []string {
	return []string{
		"{{.Nope}}", "{{.hidden}}", "{{.Subject.More}}", "{{.Subject 1}}", "{{1 2}}", "{{(1) 2}}", "{{nil}}", "{{if}}{{end}}",
		"{{.Link}}", "{{.Link 1}}", "{{.Link nil}}", `{{.Link "a" "b"}}`, "{{upper}}", "{{upper 1}}", "{{upper nil}}", "{{upper .Labels.none}}",
		"{{fail}}", "{{crash .Words}}", "{{times 1.5 2}}", "{{some 1.5}}", "{{half `x`}}", "{{and}}", "{{nope 1}}",
		"{{index .Links 2}}", "{{index .Links -1}}", "{{index .Links `a`}}", "{{index .Labels 1}}", "{{index nil}}", "{{index 1 1}}", "{{index .Links nil}}",
		"{{slice 1}}", "{{slice `abc` 4}}", "{{slice `abc` 2 1}}", "{{slice `abc` 1 2 3}}", "{{slice nil}}", "{{len 1}}", "{{len nil}}",
		"{{eq 1}}", "{{eq 1 `a`}}", "{{lt 1 `a`}}", "{{lt true false}}", "{{lt .Links .Links}}", "{{eq .Links .Links}}", "{{eq .On 1}}",
		"{{range 1.5}}{{end}}", "{{range `abc`}}{{end}}", "{{range $i, $v := 3}}{{end}}", "{{range true}}{{end}}", "{{break}}",
		"{{template `none`}}", "{{$x}}", "{{$x := 1}}{{$x.Nope}}", "{{$x := 1}}{{$x 1}}", "{{nil.X}}", "{{99999999999999999999}}", "{{(upper `a`) 1}}",
	}
}

func TestTemplatesGiveTheSameAsTextTemplate(t *testing.T) {
	for _, text := range templates() {
		n := data()
		want, err := theirs(text, n)
		if err != nil {
			t.Fatalf("%s\ntext/template: %v", text, err)
		}
		if got, err := ours(text, n); got != want || err != nil {
			t.Errorf("%s\n got %q, %v\nwant %q", text, got, err, want)
		}
	}
}

func TestMistakesAreErrorsAsInTextTemplate(t *testing.T) {
	for _, text := range failing() {
		if got, err := theirs(text, data()); err == nil {
			t.Errorf("%s: text/template gives %q", text, got)
		}
		got, err := ours(text, data())
		if err == nil {
			t.Errorf("%s: no error, but %q", text, got)
			continue
		}
		if !strings.Contains(err.Error(), "template: t:1") {
			t.Errorf("%s: the error does not tell the place: %v", text, err)
		}
	}
}

func TestErrorsAndLimitsComeThrough(t *testing.T) {
	if _, err := ours("{{fail}}", data()); !errors.Is(err, errFail) {
		t.Errorf("got %v, want the error of the function", err)
	}
	for _, text := range []string{
		"{{range 1000000000}}{{range 1000000000}}{{end}}{{end}}",
		`{{define "r"}}{{template "r"}}{{end}}{{template "r"}}`,
	} {
		if _, err := ours(text, data()); !errors.Is(err, errSteps) {
			t.Errorf("%s: got %v, want the error of Step", text, err)
		}
	}
}

// FuzzAgainstTextTemplate holds that what text/template can run gives the same
// text here.
func FuzzAgainstTextTemplate(f *testing.F) {
	for _, text := range append(templates(), failing()...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := data()
		got, err := ours(text, n)
		if errors.Is(err, errSteps) || leftOut(text) {
			return
		}
		want, wrong := theirs(text, n)
		if wrong == nil && (err != nil || got != want) {
			t.Errorf("%s\n got %q, %v\nwant %q", text, got, err, want)
		}
	})
}

// leftOut reports what the package says that it leaves out, and what fmt would
// pad beyond reason.
func leftOut(text string) bool {
	for _, part := range []string{"call", "slice", "print", "times", "js", "html", "urlquery", "<no value>"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
