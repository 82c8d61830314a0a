package nats

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Common holds the settings that all NATS sources share.
type Common struct {
	URLs       []string `envconfig:"NATS_URL" default:"nats://127.0.0.1:4222" desc:"addresses of the servers, comma-separated; schemes nats, tls, ws, wss; tls and wss switch TLS on for all"`
	DLQSubject string   `envconfig:"NATS_DLQ_SUBJECT" default:"dlq" desc:"dead letters go to the subject <this>.<stream>.<subject> (core NATS: <this>.core.<subject>), which a stream of their own must capture"`

	User        string        `envconfig:"NATS_USER" desc:"user name"`
	Password    config.Secret `envconfig:"NATS_PASSWORD" desc:"password of the user"`
	Token       config.Secret `envconfig:"NATS_TOKEN" desc:"token, instead of a user"`
	Creds       string        `envconfig:"NATS_CREDS" desc:"credentials file (JWT and seed), instead of a user; read again at every connect"`
	NKey        string        `envconfig:"NATS_NKEY" desc:"file with the seed of an NKey, instead of a user"`
	CA          string        `envconfig:"NATS_CA" desc:"PEM file of the certificate authorities to trust instead of the system's; switches TLS on"`
	Cert        string        `envconfig:"NATS_CERT" desc:"PEM file of the client certificate; switches TLS on; read again at every connect"`
	Key         string        `envconfig:"NATS_KEY" desc:"PEM file of the client certificate's key"`
	InboxPrefix string        `envconfig:"NATS_INBOX_PREFIX" default:"_INBOX" desc:"the worker subscribes to subjects below this for the broker's answers; for users who may not subscribe to _INBOX.>"`
	TLSFirst    bool          `envconfig:"NATS_TLS_FIRST" default:"false" desc:"begin with the TLS handshake, for servers with handshake_first; switches TLS on"`

	// Dial opens the connections. Nil: a net.Dialer.
	Dial sources.DialFunc
}

// Validate reports what is wrong with the settings, each with its cure.
func (c Common) Validate() []error {
	errs := slices.Concat(c.validateURLs(), c.validateAuth())
	if !literal(c.DLQSubject) {
		errs = append(errs, fmt.Errorf("NATS_DLQ_SUBJECT %q is no subject to publish to: use words joined by dots, without wildcards", c.DLQSubject))
	}
	if !literal(c.InboxPrefix) {
		errs = append(errs, fmt.Errorf("NATS_INBOX_PREFIX %q is no subject: use words joined by dots, without wildcards", c.InboxPrefix))
	}
	return errs
}

func (c Common) validateURLs() []error {
	if len(c.URLs) == 0 {
		return []error{errors.New("NATS_URL is empty: name at least one server like nats://host:4222")}
	}
	var errs []error
	for _, address := range c.URLs {
		u, err := url.Parse(strings.TrimSpace(address))
		switch {
		case err != nil || u.Host == "":
			// The text is not repeated: it may hold a password.
			errs = append(errs, errors.New("NATS_URL has an address that is no URL: write it like nats://host:4222"))
		case u.User != nil:
			errs = append(errs, fmt.Errorf("NATS_URL names a user or token for %s: move it to NATS_USER and NATS_PASSWORD, or NATS_TOKEN", u.Host))
		case !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
			errs = append(errs, fmt.Errorf("NATS_URL %q has the scheme %q: use nats, tls, ws or wss", address, u.Scheme))
		}
	}
	return errs
}

func (c Common) validateAuth() []error {
	var errs []error
	if ways := c.authWays(); len(ways) > 1 {
		errs = append(errs, fmt.Errorf("%s are set: keep one way to authenticate", strings.Join(ways, " and ")))
	}
	if c.User == "" && !c.Password.IsZero() {
		errs = append(errs, errors.New("NATS_PASSWORD is set without NATS_USER: set both or neither"))
	}
	if (c.Cert == "") != (c.Key == "") {
		errs = append(errs, fmt.Errorf("NATS_CERT %q and NATS_KEY %q belong together: set both or neither", c.Cert, c.Key))
	}
	return errs
}

// authWays names the settings that say who the worker is.
func (c Common) authWays() []string {
	var ways []string
	for name, set := range map[string]bool{
		"NATS_USER": c.User != "", "NATS_TOKEN": !c.Token.IsZero(), "NATS_CREDS": c.Creds != "", "NATS_NKEY": c.NKey != "",
	} {
		if set {
			ways = append(ways, name)
		}
	}
	slices.Sort(ways)
	return ways
}
