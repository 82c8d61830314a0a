package filter

import (
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// Config is what the operator says about what is shown.
type Config struct {
	MinSeverity string `envconfig:"MIN_SEVERITY" desc:"Least severity to show: trace, debug, info, notice, warning, error, critical, alert or fatal, or a synonym like Payara's SEVERE. Notifications without a severity are shown. Default: all."`
	Match       string `envconfig:"MATCH" desc:"Show only notifications that match one of these rules, one per line. A rule is a list of matchers as in Alertmanager that must all hold, like team=\"storage\", severity=~\"error|critical\". They match labels and the fields severity, state, source, type, subject, message, host, server, domain and instance."`
	Exclude     string `envconfig:"EXCLUDE" desc:"Do not show notifications that match one of these rules, written like those of MATCH."`
}

// maxRules bounds the work for one notification.
const maxRules = 100

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	_, least := c.least()
	_, match := rules("MATCH", c.Match)
	_, exclude := rules("EXCLUDE", c.Exclude)
	return slices.DeleteFunc([]error{least, match, exclude}, func(err error) bool { return err == nil })
}

func (c Config) least() (envelope.Severity, error) {
	severity, known := envelope.ParseSeverity(c.MinSeverity)
	if !known {
		return severity, check.Faultf("use debug, info, warning, error or critical", "MIN_SEVERITY=%q", c.MinSeverity)
	}
	return severity, nil
}

// rules parses the rules of a setting, one per line. Blank lines and those
// that begin with # say nothing.
func rules(setting, text string) ([]labels.Matchers, error) {
	var list []labels.Matchers
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		rule, err := parse.Matchers(line)
		switch {
		case err != nil:
			return nil, check.Faultf(`write matchers like team="storage", severity!="info"`, `%s: rule %q: %w`, setting, line, err)
		case len(rule) == 0:
			return nil, check.Faultf(`remove it, or write one like team="storage"`, `%s: rule %q has no matcher`, setting, line)
		case len(list) == maxRules:
			return nil, check.Faultf("join some with =~", "%s: more than %d rules", setting, maxRules)
		}
		list = append(list, rule)
	}
	return list, nil
}
