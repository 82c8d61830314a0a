package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/setup"
)

const setupHelp = `setup prepares the XMPP server, one line a step: the worker's account, the room,
how it is configured, and the membership of the account. What is so already
stays. At the end it enters the room as the worker, to see that it can speak.

It logs in with XMPP_ADMIN_JID and XMPP_ADMIN_PASSWORD (or _FILE), an
administrator of the server, or an owner of the room if the worker's account
exists. The other settings are those of the XMPP account and the room.
docs/servers.md tells what each server needs for it.`

func newSetupCommand() *cobra.Command {
	var o setup.Options
	c := &cobra.Command{
		Use: "setup", Short: "prepare the XMPP server: account, room, membership", Long: setupHelp, GroupID: groupPrepare,
		Args: noArguments, RunE: func(c *cobra.Command, _ []string) error { return setUp(c, o) },
	}
	flags := c.Flags()
	flags.BoolVarP(&o.DryRun, "dry-run", "n", false, "say what would be done, and change nothing")
	flags.StringVar(&o.RoomName, "room-name", "", "`name` of the room; without it the name stays")
	flags.StringVar(&o.Description, "description", "", "description of the room, a `text`; without it the description stays")
	flags.BoolVar(&o.MembersOnly, "members-only", false, "let nobody in who is not a member")
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
