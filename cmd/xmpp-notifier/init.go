package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const initHelp = `init creates the durable consumer of JetStream if it is missing, and reports what else
in the brokers is missing or breaks a guarantee; the exit code is then 1. It can be
repeated. It needs only the settings of the sources.`

// errMisconfigured is the outcome of an init that found what breaks a guarantee.
var errMisconfigured = errors.New("the broker is misconfigured, see above")

func newInitCommand() *cobra.Command {
	mode := sources.CreateConsumer
	var create bool
	c := &cobra.Command{
		Use: "init", Short: "create what the sources need in the brokers, and check them", Long: initHelp, GroupID: groupPrepare,
		Args: noArguments, RunE: func(c *cobra.Command, _ []string) error {
			if create {
				mode = sources.CreateAll
			}
			return prepare(c.Context(), mode, c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&create, "create", false, "create the streams or topics for notifications and dead letters as well")
	return c
}

// prepare creates in the brokers what the sources that are on need, and says
// what there breaks their guarantees. It may run as often as one likes.
func prepare(ctx context.Context, mode sources.Mode, stdout io.Writer) error {
	var s settings
	if err := s.loadSources(); err != nil {
		return err
	}
	var errs []error
	for _, name := range s.general.Sources {
		report := s.kind(name).look(ctx, mode)
		show(stdout, name, report)
		if report.ExitCode() != exitOK {
			errs = append(errs, fmt.Errorf("prepare %s: %w", name, errMisconfigured))
		}
	}
	return errors.Join(errs...)
}

// show prints a report, one line for each item.
func show(w io.Writer, name string, r check.Report) {
	for i := range r {
		mark := map[check.Status]string{check.Warn: "note: ", check.Fail: "wrong: ", check.Skip: "skipped: " + r[i].Name + " "}[r[i].Status]
		fmt.Fprintf(w, "%s: %s%s\n", name, mark, r[i].Text())
	}
}

// loadSources reads the settings of the sources only: what prepares the
// brokers need not know of the room.
func (s *settings) loadSources() error {
	_, errs := config.Load(s.groups(false)[0])
	_, more := config.Load(s.sourceGroups(false)...) // SOURCES is known now
	return wrong(append(errs, more...))
}
