package setup

import (
	"context"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// register makes the worker's account as its owner would (XEP-0077, section 3.1).
func (j *job) register(ctx context.Context) error {
	c, err := connect(ctx, j.Worker)
	if err != nil {
		return err
	}
	defer c.Close()
	type answer struct {
		Username *struct{} `xml:"query>username"`
		Password *struct{} `xml:"query>password"`
	}
	asked, err := wire.Result[answer](c.Ask(ctx, "get", j.domain, "<query xmlns='jabber:iq:register'/>"))
	switch {
	case err != nil:
		return j.notCreated(err)
	case asked.Username == nil || asked.Password == nil:
		return j.notCreated(errNoIBR)
	case j.DryRun:
		return nil
	}
	_, err = c.Ask(ctx, "set", j.domain, "<query xmlns='jabber:iq:register'><username>"+wire.Escape(j.local)+
		"</username><password>"+wire.Escape(j.Worker.Password.Reveal())+"</password></query>")
	if err != nil {
		return j.notCreated(err)
	}
	return nil
}
