package worker

import (
	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// CorrectionConfig is what the operator says about correcting messages.
type CorrectionConfig struct {
	Resolved string `envconfig:"RESOLVED" default:"message" desc:"How a recovery is shown: message (by a message of its own), edit (it corrects the alarm, XEP-0308, if that was one of the last EDIT_WITHIN messages and readers accept the correction, else by a message), both (it corrects the alarm, and a line says so: an edit wakes nobody)."`
}

// The values of RESOLVED.
const (
	resolvedMessage = "message"
	resolvedEdit    = "edit"
	resolvedBoth    = "both"
)

// Validate returns what is wrong with c, with its fix.
func (c CorrectionConfig) Validate() []error {
	switch c.Resolved {
	case resolvedMessage, resolvedEdit, resolvedBoth:
		return nil
	}
	return []error{check.Faultf("use message, edit or both", "RESOLVED=%q", c.Resolved)}
}

// Corrections say which messages correct others.
type Corrections struct {
	CorrectionConfig
	// Line makes the text beside a correction, with RESOLVED=both.
	Line func(envelope.Envelope) string
}

// corrected is the identity of the notification that one corrects, "" for none. An edit
// wakes nobody: what needs somebody is never one.
func (c Corrections) corrected(d *sources.Delivery, part int) string {
	e := &d.Envelopes[part]
	isOn := c.Resolved == resolvedEdit || c.Resolved == resolvedBoth
	if !isOn || e.State != envelope.Resolved && e.Severity > envelope.Info {
		return ""
	}
	return d.FollowedIdentity(part)
}

// withLines adds the lines beside corrections.
func (c Corrections) withLines(posts []post) []post {
	if c.Resolved != resolvedBoth {
		return posts
	}
	all := make([]post, 0, 2*len(posts))
	for _, p := range posts {
		all = append(all, p)
		if p.corrects != "" && p.envelope.State == envelope.Resolved {
			all = append(all, post{identity: sources.LineIdentity(p.identity), envelope: p.envelope, accompanies: p.identity})
		}
	}
	return all
}
