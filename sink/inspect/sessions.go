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
	if !in.asked(stepSessions) {
		return true
	}
	account.Trace = nil
	want := in.probes.Sessions
	others, refused := login(ctx, account, want-1)
	kept := 0
	for _, c := range append(others, first) {
		if _, err := c.Ask(ctx, "get", "", ping); err == nil {
			kept++
		}
	}
	for _, c := range others {
		c.Close()
	}
	if kept == want {
		return in.ok(stepSessions, fmt.Sprintf("%d at once", want))
	}
	in.add(stepSessions, check.Fail, fmt.Sprintf("the server keeps %d sessions of the account, of %d%s", kept, want, because(refused)),
		"raise its limit for XMPP_JID (ejabberd: max_user_sessions, 10), or give the workers of some rooms an account of their own")
	return false
}

// login makes n sessions, or as many as the server lets it. The caller closes them.
func login(ctx context.Context, account *conn.Account, n int) (list []*conn.Client, refused error) {
	for len(list) < n && refused == nil {
		var c *conn.Client
		if c, refused = account.Connect(ctx); refused == nil {
			list = append(list, c)
			refused = c.Login(ctx)
		}
	}
	return list, refused
}

// because is why a login was refused.
func because(err error) string {
	if err == nil {
		return ""
	}
	found, _ := split(err)
	return ": " + found
}
