package envelope

import (
	"fmt"
	"slices"
	"strings"
)

// Config is what the operator says about the formats.
type Config struct {
	Format string `envconfig:"ENVELOPE_FORMAT" default:"auto" desc:"Format of the notifications: native, cloudevents, alertmanager, payara or text; auto recognises each one by its headers, else by its shape."`
	Alerts string `envconfig:"ALERTMANAGER_NOTIFY" default:"alert" desc:"What becomes one notification: every alert of a webhook message of Alertmanager (alert), or all its alerts together (group)."`
}

// The values of ENVELOPE_FORMAT and ALERTMANAGER_NOTIFY that are no names of formats.
const (
	formatAuto = "auto"
	perAlert   = "alert"
	perGroup   = "group"
)

// Validate returns everything that is wrong with c, each error with its cure.
func (c Config) Validate() []error {
	var errs []error
	if c.Format != formatAuto && !slices.Contains(Formats(), c.Format) {
		errs = append(errs, fmt.Errorf("ENVELOPE_FORMAT=%q: use %s or %s", c.Format, formatAuto, strings.Join(Formats(), ", ")))
	}
	if c.Alerts != perAlert && c.Alerts != perGroup {
		errs = append(errs, fmt.Errorf("ALERTMANAGER_NOTIFY=%q: use %s or %s", c.Alerts, perAlert, perGroup))
	}
	return errs
}

// Formats returns the names of all formats.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}
