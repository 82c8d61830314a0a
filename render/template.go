package render

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render/internal/exec"
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
	parsed *exec.Template
	funcs  map[string]any
}

// parseTemplate checks a template: it must be well formed and give a text for
// every sample.
func parseTemplate(text string, c Config) (*tmpl, error) {
	funcs := functions(c)
	parsed, err := exec.Parse("template", text, funcs)
	if err != nil {
		return nil, fmt.Errorf("%w: see docs/templates.md", err)
	}
	t := &tmpl{c, parsed, funcs}
	for _, sample := range samples() {
		if _, err := t.execute(&sample); err != nil && !errors.Is(err, errNoText) {
			return nil, fmt.Errorf("fails for the sample %q: %w: see docs/templates.md, and mind that every member may be absent", sample.ID, err)
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

// step is one turn of a loop, or one call of a template.
func (r *run) step() error {
	if r.steps++; r.steps > maxSteps {
		return errSteps
	}
	if time.Since(r.started) > maxRun {
		return errTime
	}
	return nil
}

// Write implements io.Writer, up to a limit.
func (r *run) Write(p []byte) (int, error) {
	if r.out.Len()+len(p) > maxOutput {
		return 0, errOutput
	}
	return r.out.Write(p)
}

// execute returns the text for e. Every limit that it meets is an error, and
// so is a panic: no template ends the program.
func (t *tmpl) execute(e *envelope.Envelope) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			text, err = "", fmt.Errorf("panic: %v", p)
		}
	}()
	r := &run{started: time.Now()}
	if err := t.parsed.Execute(exec.Env{Out: r, Funcs: t.funcs, Method: method, Step: r.step}, newView(e, t.config)); err != nil {
		return "", err
	}
	if text = t.config.cut(clean(r.out.String())); text == "" {
		return "", errNoText
	}
	if first, _, _ := strings.Cut(text, "\n"); isAction(first) {
		text = joiner + text
	}
	return text, nil
}
