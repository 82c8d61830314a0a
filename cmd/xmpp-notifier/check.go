package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sink/inspect"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const checkHelp = `check tests everything that the worker needs, and prints one line for each part,
with the fix of each failure. It connects as the worker does, and changes nothing.

The exit code is that of the first failure: 2 settings, 3 XMPP connection,
4 XMPP login, 5 room, 6 broker, 7 dead letters. Warnings do not count.`

// checkAgain is the pause between two tries of check --wait.
const checkAgain = 2 * time.Second

// maxSessions bounds check --sessions.
const maxSessions = 100

// checkOptions are the flags of check.
type checkOptions struct {
	inspect.Probes
	wait        time.Duration
	json, ascii bool
}

// reportError is a report in which something has failed. It is already printed.
type reportError struct{ code int }

func (*reportError) Error() string { return "something failed, see above" }

func newCheckCommand() *cobra.Command {
	var o checkOptions
	c := &cobra.Command{
		Use: "check", Short: "test everything that the worker needs, and print the fix of each failure", Long: checkHelp, GroupID: groupPrepare,
		Args: noArguments, RunE: func(c *cobra.Command, _ []string) error { return checkSetup(c, o) },
	}
	flags := c.Flags()
	flags.BoolVar(&o.RoundTrip, "round-trip", false, "post one message into the room and measure its reflection")
	flags.BoolVar(&o.Throttle, "probe", false, "post 40 messages of 1 kB and measure the server's limit")
	flags.IntVar(&o.Sessions, "sessions", 0, "log in until the account has `n` sessions, 2 to 100, and count those that the server keeps")
	flags.DurationVarP(&o.wait, "wait", "w", 0, "try again until nothing fails, for this `duration` at most, like 5m (for init containers)")
	flags.BoolVar(&o.json, "json", false, "write JSON")
	flags.BoolVar(&o.ascii, "ascii", false, "write words instead of ✓, ! and ✗")
	return c
}

// checkSetup looks at the whole setup and reports on it.
func checkSetup(c *cobra.Command, o checkOptions) error {
	if o.Sessions < 0 || o.Sessions > maxSessions {
		return &usageError{fmt.Errorf("--sessions %d: use 2 to %d", o.Sessions, maxSessions)}
	}
	report, err := awaitSetup(c.Context(), o)
	if err != nil {
		return err
	}
	if o.json {
		err = report.WriteJSON(c.OutOrStdout())
	} else {
		err = report.WriteTable(c.OutOrStdout(), o.ascii || !speaksUTF8())
	}
	if code := report.ExitCode(); err == nil && code != exitOK {
		return &reportError{code}
	}
	return err
}

// awaitSetup looks until all is well, or the time is up. Settings do not correct
// themselves: they are looked at once.
func awaitSetup(ctx context.Context, o checkOptions) (check.Report, error) {
	var s settings
	_, errs := s.loadAll()
	if _, err := s.texts(slog.New(slog.DiscardHandler)); len(errs) == 0 && err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return settingsReport(errs), nil
	}
	for end := time.Now().Add(o.wait); ; {
		report := s.inspect(ctx, o.Probes)
		if report.ExitCode() == exitOK || time.Now().Add(checkAgain).After(end) {
			return report, nil
		}
		if !backoff.Wait(ctx, checkAgain) {
			return report, ctx.Err()
		}
	}
}

// settingsReport has a line for every setting that is or looks wrong.
func settingsReport(errs []error) check.Report {
	var report check.Report
	for _, err := range errs {
		report.Fail(check.Settings, "settings", err)
	}
	if len(errs) == 0 {
		report.Add(check.Settings, "settings", check.OK, "valid", "")
	}
	for _, line := range warnings() {
		report.Add(check.Settings, "settings", check.Warn, line, "")
	}
	return report
}

// inspect looks at everything once.
func (s *settings) inspect(ctx context.Context, p inspect.Probes) check.Report {
	report := append(settingsReport(nil), inspect.Run(ctx, s.room, p)...)
	return append(report, s.inspectBrokers(ctx)...)
}

// inspectBrokers looks at what the sources need.
func (s *settings) inspectBrokers(ctx context.Context) check.Report {
	var report check.Report
	for _, name := range s.general.Sources {
		for _, result := range s.kind(name).look(ctx, sources.CheckOnly) {
			result.Name = name + " " + result.Name
			report = append(report, result)
		}
	}
	return report
}

// speaksUTF8 tells by the locale (POSIX) whether the terminal has ✓ and ✗. No
// locale at all, as in containers, says nothing: their logs are read elsewhere.
func speaksUTF8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := os.Getenv(name); locale != "" {
			return strings.Contains(strings.ToUpper(strings.ReplaceAll(locale, "-", "")), "UTF8")
		}
	}
	return true
}
