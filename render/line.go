package render

import (
	"cmp"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// Line returns one line about what has ended: what, where, and how long it lasted. It
// stands beside the correction of what had told of the beginning.
//
//	✅ RESOLVED Disk full on db-1 (12 min)
func (r *Renderer) Line(e envelope.Envelope) string {
	text, _, _ := strings.Cut(e.Message, "\n")
	title := cut.Line(cmp.Or(oneLine(e.Subject), oneLine(text), noText), maxTitleBytes)
	line := mark(&e) + " " + title
	if e.HostName != "" && !strings.Contains(title, e.HostName) {
		line += " on " + cut.Line(oneLine(e.HostName), maxPartBytes)
	}
	if lasted := lasted(&e); lasted != "" {
		line += " (" + lasted + ")"
	}
	return r.config.headline(line)
}

// lasted says how long it was until something had ended, "" if that is not known.
func lasted(e *envelope.Envelope) string {
	n := newNotification(e, Config{})
	began, ended := n.StartsAt(), n.EndsAt()
	if began.IsZero() || !ended.After(began) {
		return ""
	}
	return envelope.FormatDuration(ended.Sub(began))
}
