package setup

import (
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/jid"
)

// Config is what the operator says about the account that prepares the server.
type Config struct {
	JID      string        `envconfig:"XMPP_ADMIN_JID" required:"true" desc:"Account that prepares the server, user@domain: an administrator of the server, or an owner of the room if the worker's account exists. Read by xmpp-notifier setup only."`
	Password config.Secret `envconfig:"XMPP_ADMIN_PASSWORD" required:"true" desc:"Password of that account. Read by xmpp-notifier setup only."`
}

// Validate returns everything that is wrong with c.
func (c *Config) Validate() (errs []error) {
	if _, err := jid.Parse(c.JID); err != nil {
		errs = append(errs, check.Faultf("give the account as user@domain, like admin@example.org", "XMPP_ADMIN_JID=%q %w", c.JID, err))
	}
	if _, err := c.Password.Prepared(); err != nil {
		errs = append(errs, fmt.Errorf("XMPP_ADMIN_PASSWORD: %w", err))
	}
	return errs
}

// Options says how the server is to be. The settings in it are valid.
type Options struct {
	Admin Config
	// Worker is what the worker will run with: its account, the room and its
	// password, and how long its history has to be.
	Worker sink.Config

	// RoomName and Description of the room. Empty: left as they are.
	RoomName, Description string
	// MembersOnly lets nobody in who is not a member. false: left as it is.
	MembersOnly bool

	DryRun    bool // say what would be done, and change nothing
	RoundTrip bool // at the end post a message, and wait until the room has shown it
}

// admin is how to reach the server as its administrator: as the worker does,
// but for the account.
func (o *Options) admin() sink.Config {
	cfg := o.Worker
	cfg.JID, cfg.Password = o.Admin.JID, o.Admin.Password
	return cfg
}
