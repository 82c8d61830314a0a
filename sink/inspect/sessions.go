package inspect

import (
	"context"
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

const ping = "<ping xmlns='urn:xmpp:ping'/>"

// sessions logs in until the account has as many sessions as it needs, and counts
// those that the server has kept. The limit of ejabberd ends the oldest ones.
func (in *inspection) sessions(ctx context.Context, account *conn.Account, first *conn.Client) bool {
	want := in.probes.Sessions
	if !in.asked(stepSessions) {
		return true
	}
	account.Trace = nil
	all := []*conn.Client{first}
	defer func() {
		for _, c := range all[1:] {
			c.Close()
		}
	}()
	var refused error
	for len(all) < want && refused == nil {
		var c *conn.Client
		if c, refused = account.Connect(ctx); refused == nil {
			all = append(all, c)
			refused = c.Login(ctx)
		}
	}
	kept := 0
	for _, c := range all {
		if _, err := c.Ask(ctx, "get", "", ping); err == nil {
			kept++
		}
	}
	if kept == want {
		in.report.ok(stepSessions, fmt.Sprintf("%d at once", want))
		return true
	}
	in.report.add(stepSessions, check.Fail, fmt.Sprintf("the server keeps %d sessions of the account, of %d%s", kept, want, because(refused)),
		"raise its limit for XMPP_JID (ejabberd: max_user_sessions, 10), or give the workers of some rooms an account of their own")
	return false
}

// because is why a login was refused.
func because(err error) string {
	if err == nil {
		return ""
	}
	found, _ := split(err)
	return ": " + found
}
