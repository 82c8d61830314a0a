package envelope

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Config is what the operator says about the formats.
type Config struct {
	Format      string   `envconfig:"ENVELOPE_FORMAT" default:"auto" desc:"Format of the notifications: native, cloudevents, alertmanager, payara, json or text; auto recognises each one by its headers, else by its shape."`
	Unknown     string   `envconfig:"UNKNOWN_FORMAT" default:"show" desc:"JSON of no known format: show (it is read by the usual names of members), or dead-letter."`
	Map         string   `envconfig:"MAP" desc:"jq program that turns each message into notifications of the native format, or into none; see docs/formats.md."`
	MapFile     string   `envconfig:"MAP_FILE" desc:"File with the jq program; use it or MAP. docs/maps has programs for known services."`
	SeverityMap []string `envconfig:"SEVERITY_MAP" desc:"Words for severities beyond those in docs/formats.md, like gold=critical,silver=warning. They go before the known ones."`
}

// The values of ENVELOPE_FORMAT and UNKNOWN_FORMAT that are no names of formats.
const (
	formatAuto = "auto"
	show       = "show"
	deadLetter = "dead-letter"
)

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	var errs []error
	if c.Format != formatAuto && !slices.Contains(Formats(), c.Format) {
		errs = append(errs, check.Faultf(fmt.Sprintf("use %s or %s", formatAuto, strings.Join(Formats(), ", ")), "ENVELOPE_FORMAT=%q", c.Format))
	}
	if c.Unknown != show && c.Unknown != deadLetter && c.Unknown != "" {
		errs = append(errs, check.Faultf(fmt.Sprintf("use %s or %s", show, deadLetter), "UNKNOWN_FORMAT=%q", c.Unknown))
	}
	if _, err := c.severities(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.program(); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// severities returns the table of SEVERITY_MAP, nil if it is empty.
func (c Config) severities() (severities, error) {
	var own severities
	for _, entry := range c.SeverityMap {
		word, name, _ := strings.Cut(entry, "=")
		s, known := ParseSeverity(name)
		if word = canonical(word); word == "" || !known || s == Unspecified {
			return nil, check.Faultf("write it like gold=critical, with debug, info, notice, warning, error, critical, alert or fatal", "SEVERITY_MAP: %q", entry)
		}
		if own == nil {
			own = make(severities)
		}
		own[word] = s
	}
	return own, nil
}

// Formats returns the names of all formats.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}
