package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/setup"
)

const setupUsage = `usage: xmpp-notifier setup [--dry-run] [--room-name NAME] [--description TEXT]
         [--members-only] [--round-trip]
Prepares the XMPP server, one line a step: the worker's account, the room, how
it is configured, and the membership of the account. What is so already stays.
At the end it enters the room as the worker, to see that it can speak.
  --dry-run           say what would be done, and change nothing
  --room-name NAME    name of the room; without it the name stays
  --description TEXT  description of the room; without it that stays
  --members-only      let nobody in who is not a member
  --round-trip        post a message at the end, and wait until it is shown
It logs in with XMPP_ADMIN_JID and XMPP_ADMIN_PASSWORD (or _FILE), an
administrator of the server, or an owner of the room if the worker's account
exists. The other settings are those of the XMPP account and the room.
docs/servers.md tells what each server needs for it`

// setUp prepares the XMPP server.
func setUp(ctx context.Context, c call) error {
	o, err := parseSetup(c.args)
	if err != nil {
		return err
	}
	var s settings
	_, errs := config.Load(config.Group{Spec: &s.setup}, config.Group{Spec: &s.room})
	if err := wrong(errs); err != nil {
		return err
	}
	o.Admin, o.Worker = s.setup, s.room
	return setup.Run(ctx, o, func(l setup.Line) { fmt.Fprintf(c.stdout, "%-10s  %s\n", l.Outcome, l.Text) })
}

func parseSetup(args []string) (setup.Options, error) {
	var o setup.Options
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&o.DryRun, "dry-run", false, "")
	flags.StringVar(&o.RoomName, "room-name", "", "")
	flags.StringVar(&o.Description, "description", "", "")
	flags.BoolVar(&o.MembersOnly, "members-only", false, "")
	flags.BoolVar(&o.RoundTrip, "round-trip", false, "")
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		return o, &usageError{errors.Join(err, errors.New(setupUsage))}
	}
	return o, nil
}
