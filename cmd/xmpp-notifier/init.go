package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const initUsage = `usage: xmpp-notifier init [--create]
Creates the durable consumer of JetStream if it is missing, and says what else
in the brokers is missing or defeats the promises; the exit code is then 1.
It can run again and again.
  --create  create the streams for notifications and dead letters as well
The settings are those of the sources`

// errFlawed is the outcome of an init that found what defeats the promises.
var errFlawed = errors.New("the brokers are not as they have to be, see above")

// prepare creates in the brokers what the sources that are on need, and says
// what there defeats their promises. It may run as often as one likes.
func prepare(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	create := flags.Bool("create", false, "create what holds notifications and dead letters, too")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return &usageError{fmt.Errorf("init %q: use init or init --create\n%s", args, initUsage)}
	}
	var s settings
	if err := s.loadSources(); err != nil {
		return err
	}
	mode := sources.Bind
	if *create {
		mode = sources.Create
	}
	var errs []error
	for _, name := range s.general.Sources {
		report := s.kind(name).look(ctx, mode)
		show(stdout, name, report)
		if report.ExitCode() != exitOK {
			errs = append(errs, fmt.Errorf("prepare %s: %w", name, errFlawed))
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
