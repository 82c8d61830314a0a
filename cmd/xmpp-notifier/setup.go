package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/setup"
)

const setupHelp = `setup prepares the XMPP server: the worker's account, the room and its
configuration, and the membership of the account. It prints one line for each
step, and changes only what differs. At the end it enters the room as the worker,
to check that it has voice.

It logs in with XMPP_ADMIN_JID and XMPP_ADMIN_PASSWORD (or _FILE), an
administrator of the server, or an owner of the room if the worker's account
exists. The other settings are those of the XMPP account and the room.
docs/servers.md has what each server needs.`

func newSetupCommand() *cobra.Command {
	var o setup.Options
	c := &cobra.Command{
		Use: "setup", Short: "prepare the XMPP server: account, room, membership", Long: setupHelp, GroupID: groupPrepare,
		Args: noArguments, RunE: func(c *cobra.Command, _ []string) error { return setUp(c, o) },
	}
	flags := c.Flags()
	flags.BoolVarP(&o.DryRun, "dry-run", "n", false, "print what would be done, and change nothing")
	flags.StringVar(&o.RoomName, "room-name", "", "`name` of the room; default: unchanged")
	flags.StringVar(&o.Description, "description", "", "description of the room, a `text`; default: unchanged")
	flags.BoolVar(&o.MembersOnly, "members-only", false, "admit only members")
	flags.BoolVar(&o.RoundTrip, "round-trip", false, "post a message at the end, and wait until it is shown")
	return c
}

// setUp prepares the XMPP server.
func setUp(c *cobra.Command, o setup.Options) error {
	var s settings
	_, errs := config.Load(config.Group{Spec: &s.setup}, config.Group{Spec: &s.room})
	if err := wrong(errs); err != nil {
		return err
	}
	o.Admin, o.Worker = s.setup, s.room
	return setup.Run(c.Context(), o, func(l setup.Line) { fmt.Fprintf(c.OutOrStdout(), "%-10s  %s\n", l.Outcome, l.Text) })
}
