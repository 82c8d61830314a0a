package render

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// The limits of one execution of a template.
const (
	maxSteps  = 10_000   // turns of loops and calls of templates
	maxOutput = 64 << 10 // bytes, of the text and of each value in it
	maxRun    = time.Second / 4
)

// tmpl is a user's template, checked.
type tmpl struct {
	config Config
	parsed *template.Template
}

// parseTemplate checks a template: it must be well formed and give a text for
// every sample.
func parseTemplate(text string, c Config) (*tmpl, error) {
	parsed, err := template.New("template").Funcs(functions(&run{}, c)).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: see docs/templates.md", err)
	}
	for _, t := range parsed.Templates() {
		if t.Tree != nil && t.Root != nil {
			guard(t.Root, true)
		}
	}
	t := &tmpl{c, parsed}
	for _, sample := range samples() {
		if _, err := t.execute(&sample); err != nil && !errors.Is(err, errNoText) {
			return nil, fmt.Errorf("fails for the sample %q: %w: every member may be absent, see docs/templates.md", sample.ID, err)
		}
	}
	return t, nil
}

// run is one execution of a template and what it has used up.
type run struct {
	steps   int
	started time.Time
	out     strings.Builder
}

var (
	errSteps  = fmt.Errorf("more than %d turns of loops", maxSteps)
	errTime   = fmt.Errorf("more than %s", maxRun)
	errOutput = fmt.Errorf("more than %d bytes", maxOutput)
	errNoText = errors.New("gives no text")
)

// step is called by the template at every turn of a loop and every call of
// another template: those are what can make it run long.
func (r *run) step() (string, error) {
	if r.steps++; r.steps > maxSteps {
		return "", errSteps
	}
	if time.Since(r.started) > maxRun {
		return "", errTime
	}
	return "", nil
}

// Write implements io.Writer, up to a limit.
func (r *run) Write(p []byte) (int, error) {
	if r.out.Len()+len(p) > maxOutput {
		return 0, errOutput
	}
	return r.out.Write(p)
}

// execute returns the text for e. Every limit that it meets is an error.
func (t *tmpl) execute(e *envelope.Envelope) (string, error) {
	r := &run{started: time.Now()}
	parsed, err := t.parsed.Clone()
	if err != nil {
		return "", err
	}
	if err := parsed.Funcs(functions(r, t.config)).Execute(r, newView(e, t.config)); err != nil {
		return "", err
	}
	text := strings.ReplaceAll(r.out.String(), "<no value>", "")
	if text = t.config.cut(clean(text)); strings.TrimSpace(strings.ReplaceAll(text, joiner, "")) == "" {
		return "", errNoText
	}
	if first, _, _ := strings.Cut(text, "\n"); isAction(first) {
		text = joiner + text
	}
	return text, nil
}

// guard puts a call of step at the start of every loop and, if list is the
// whole of a template, at its start.
func guard(list *parse.ListNode, whole bool) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			guard(n.List, false)
			guard(n.ElseList, false)
		case *parse.WithNode:
			guard(n.List, false)
			guard(n.ElseList, false)
		case *parse.RangeNode:
			guard(n.List, true)
			guard(n.ElseList, false)
		}
	}
	if whole {
		list.Nodes = append([]parse.Node{stepNode(list.Pos)}, list.Nodes...)
	}
}

// stepNode is {{step}}.
func stepNode(pos parse.Pos) parse.Node {
	tree, err := parse.Parse("step", "{{step}}", "", "", map[string]any{"step": (*run)(nil).step})
	if err != nil {
		return &parse.TextNode{NodeType: parse.NodeText, Pos: pos} // cannot happen
	}
	return tree["step"].Root.Nodes[0]
}
