package render

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
	"github.com/xmpp-notifier/xmpp-notifier/render/internal/functions"
	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

// seeTemplates is what to do about an error in a template.
const seeTemplates = "see docs/templates.md"

// maxOutput bounds the text of a template, and each value in it, in bytes.
const maxOutput = sandbox.MaxBytes

var errNoText = errors.New("gives no text")

// tmpl is a user's template, checked.
type tmpl struct {
	config Config
	parsed *sandbox.Template
}

// environment is what the functions of templates work with.
func (c Config) environment() functions.Env {
	return functions.Env{
		Escape: c.safe, Bare: bare, Decode: c.decode, Now: time.Now, OneLine: oneLine,
		Lines: func(n int, s string) string { return Config{MaxLines: max(n, 1), MaxBytes: maxOutput}.cut(s) },
		Cut:   func(n int, s string) string { return cut.Line(s, max(n, 1)) },
	}
}

// parseTemplate checks a template: it must be well formed, work for every
// sample, and be able to give a text.
func parseTemplate(text string, c Config) (*tmpl, error) {
	parsed, err := sandbox.Parse("template", text, functions.All(c.environment()), notification{})
	if err != nil {
		return nil, check.Faultf(seeTemplates, "%w", err)
	}
	t := &tmpl{c, parsed}
	texts := 0
	for _, sample := range samples() {
		switch _, err := t.execute(&sample); {
		case err == nil:
			texts++
		case !errors.Is(err, errNoText):
			return nil, check.Faultf(seeTemplates, "%w, for the sample %q", err, sample.ID)
		}
	}
	if texts == 0 && !parsed.UsesData() { // else another notification may give one
		return nil, t.nothing()
	}
	return t, nil
}

// nothing is the error of a template that prints nothing for any sample.
func (t *tmpl) nothing() error {
	if defined := t.parsed.Defined(); len(defined) > 0 {
		return check.Faultf(fmt.Sprintf("add {{template %q .}}", defined[0]), "prints nothing, it only defines templates")
	}
	return check.Faultf("end what has a condition with {{else}}{{.Default}}, "+seeTemplates, "prints nothing")
}

// execute returns the text for e. Every bound that it meets is an error.
func (t *tmpl) execute(e *envelope.Envelope) (string, error) {
	text, err := t.parsed.Execute(newNotification(e, t.config))
	if err != nil {
		return "", err
	}
	if text = t.config.cut(clean(text)); text == "" {
		return "", errNoText
	}
	if first, _, _ := strings.Cut(text, "\n"); isAction(first) {
		text = joiner + text
	}
	return text, nil
}
