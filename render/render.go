// Package render turns a notification into the text that people read in the
// room, and into the element that bots read. It is pure: the same envelope
// gives the same text, everywhere.
package render

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// The limits of a text. A phone shows about twenty lines of fifty characters:
// one can read the longest text with one or two strokes.
const (
	maxLines      = 20
	maxBytes      = 2000
	maxTitleBytes = 250
	maxPartBytes  = 100 // of one part of the origin
	maxWordBytes  = 30  // of a severity that nobody knows
	maxURLBytes   = 500 // a part of an address is of no use
	maxLinks      = 2
	maxNick       = 100
)

// noText is shown for a notification whose text consists of nothing visible.
const noText = "(no text)"

// Renderer makes texts as the settings say. Its methods may be called from
// several goroutines.
type Renderer struct {
	config   Config
	mention  envelope.Severity
	template *tmpl
	log      *slog.Logger
	failures *atomic.Int64
	mu       sync.Mutex
	last     string // the last error of the template
}

// New returns a Renderer for a valid Config.
func New(c Config, log *slog.Logger) (*Renderer, error) {
	c.nicks = nickPatterns(c.Mention)
	template, err := c.template()
	if err != nil {
		return nil, err
	}
	mention, _ := envelope.ParseSeverity(c.MentionSeverity)
	return &Renderer{config: c, mention: mention, template: template, log: log, failures: new(atomic.Int64)}, nil
}

// Text returns the text of e, never empty. If the template fails for it or
// gives no text, that is the default text.
func (r *Renderer) Text(e envelope.Envelope) string {
	text := r.text(&e)
	if r.mentions(&e) {
		text += "\n→ " + strings.Join(r.config.Mention, ", ")
	}
	return text
}

func (r *Renderer) text(e *envelope.Envelope) string {
	if r.template == nil {
		return r.config.text(e)
	}
	text, err := r.template.execute(e)
	if err == nil {
		return text
	}
	if errors.Is(err, errNoText) {
		return r.config.text(e)
	}
	r.failures.Add(1)
	r.report(err)
	return r.config.text(e)
}

// report logs an error of the template if it is another than the last one.
func (r *Renderer) report(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if text := err.Error(); text != r.last {
		r.last = text
		r.log.Warn("template failed, sending the default text", "error", err)
	}
}

// Failures returns how often the template has failed.
func (r *Renderer) Failures() int64 { return r.failures.Load() }

// Continue has r count on where old is, whose place it takes.
func (r *Renderer) Continue(old *Renderer) { r.failures = old.failures }

// mentions reports whether e is for the people in MENTION.
func (r *Renderer) mentions(e *envelope.Envelope) bool {
	return len(r.config.Mention) > 0 && e.State != envelope.Resolved &&
		e.Severity >= r.mention && r.config.Style != stylePayara
}
