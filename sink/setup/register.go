package setup

import (
	"context"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// register makes the worker's account as its owner would (XEP-0077, section 3.1).
func (j *job) register(ctx context.Context) error {
	account, err := j.Worker.Account()
	if err != nil {
		return err
	}
	c, err := account.Connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	raw, err := c.Ask(ctx, "get", j.domain, "<query xmlns='jabber:iq:register'/>")
	if err != nil {
		return j.notCreated(err)
	}
	var asked struct {
		Username *struct{} `xml:"query>username"`
		Password *struct{} `xml:"query>password"`
	}
	if err := wire.Decode(raw, &asked); err != nil {
		return err
	}
	if asked.Username == nil || asked.Password == nil {
		return j.notCreated(errNoIBR)
	}
	if j.DryRun {
		return nil
	}
	_, err = c.Ask(ctx, "set", j.domain, "<query xmlns='jabber:iq:register'><username>"+wire.Escape(j.local)+
		"</username><password>"+wire.Escape(j.Worker.Password.Reveal())+"</password></query>")
	if err != nil {
		return j.notCreated(err)
	}
	return nil
}
