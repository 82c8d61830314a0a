// Package filter decides which notifications people see.
package filter

import (
	"cmp"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// Verdict is what a Filter says of a notification: Show, or why not.
type Verdict string

// The verdicts.
const (
	Show          Verdict = ""
	OtherNotifier Verdict = "other_notifier" // its publisher meant it for other notifiers
	Unmapped      Verdict = "map"            // MAP makes no notification of it
	TooLow        Verdict = "severity"       // below MIN_SEVERITY
	NoMatch       Verdict = "no_match"       // no rule of MATCH matches it
	IsExcluded    Verdict = "excluded"       // a rule of EXCLUDE matches it
)

// Reasons returns why a notification may not be shown: all verdicts but Show.
func Reasons() []Verdict { return []Verdict{OtherNotifier, Unmapped, TooLow, NoMatch, IsExcluded} }

// Filter holds the rules. The zero value shows everything that is not
// meant for others.
type Filter struct {
	least          envelope.Severity
	match, exclude []labels.Matchers
}

// New returns a Filter for a valid Config.
func New(c Config) (*Filter, error) {
	f := &Filter{}
	var err error
	if f.least, err = c.least(); err != nil {
		return nil, err
	}
	if f.match, err = rules("MATCH", c.Match); err != nil {
		return nil, err
	}
	f.exclude, err = rules("EXCLUDE", c.Exclude)
	return f, err
}

// Judge says whether e is shown. A notification without severity is never too low.
func (f *Filter) Judge(e *envelope.Envelope) Verdict {
	switch {
	case e.OtherNotifier:
		return OtherNotifier
	case e.Unmapped:
		return Unmapped
	case e.Severity != envelope.Unspecified && e.Severity < f.least:
		return TooLow
	case len(f.match) > 0 && !anyMatches(f.match, e):
		return NoMatch
	case anyMatches(f.exclude, e):
		return IsExcluded
	}
	return Show
}

func anyMatches(rules []labels.Matchers, e *envelope.Envelope) bool {
	return slices.ContainsFunc(rules, func(rule labels.Matchers) bool { return matches(rule, e) })
}

// matches reports whether every matcher of a rule accepts e.
func matches(rule labels.Matchers, e *envelope.Envelope) bool {
	return !slices.ContainsFunc(rule, func(m *labels.Matcher) bool { return !m.Matches(value(e, m.Name)) })
}

// fields are those of a notification that rules can name.
var fields = map[string]func(e *envelope.Envelope) string{ //nolint:gochecknoglobals // a constant table
	"severity": func(e *envelope.Envelope) string {
		return cmp.Or(strings.ToLower(e.SeverityWord), e.Severity.String())
	},
	"state":       func(e *envelope.Envelope) string { return string(e.State) },
	"source":      func(e *envelope.Envelope) string { return e.Source },
	"subject":     func(e *envelope.Envelope) string { return e.Subject },
	"message":     func(e *envelope.Envelope) string { return e.Message },
	"type":        func(e *envelope.Envelope) string { return e.EventType },
	"host":        func(e *envelope.Envelope) string { return e.HostName },
	"server":      func(e *envelope.Envelope) string { return e.ServerName },
	"domain":      func(e *envelope.Envelope) string { return e.DomainName },
	"instance":    func(e *envelope.Envelope) string { return e.InstanceName },
	"id":          func(e *envelope.Envelope) string { return e.ID },
	"fingerprint": func(e *envelope.Envelope) string { return e.Fingerprint },
}

// value returns the label with that name, else the field, else "".
func value(e *envelope.Envelope, name string) string {
	if label, found := e.Labels[name]; found {
		return label
	}
	if field := fields[name]; field != nil {
		return field(e)
	}
	return ""
}
