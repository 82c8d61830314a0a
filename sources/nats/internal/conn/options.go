package conn

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
)

const (
	reconnectWait   = 500 * time.Millisecond
	reconnectJitter = 500 * time.Millisecond
	// A peer that vanished without a word is noticed after two pings.
	pingInterval = 10 * time.Second
)

// options turns the settings into those of the client. Files are tried here,
// so that a wrong one is an error with the name of its setting.
func options(s nats.Settings) (client.Options, error) {
	opts := client.GetDefaultOptions()
	opts.Name = "xmpp-notifier"
	opts.Servers = s.Servers()
	opts.ReconnectWait = reconnectWait
	opts.ReconnectJitter, opts.ReconnectJitterTLS = reconnectJitter, reconnectJitter
	opts.PingInterval = pingInterval
	opts.InboxPrefix = s.InboxPrefix
	// The servers that a cluster names may be on other machines.
	opts.IgnoreDiscoveredServers = s.SecretInClear()
	if s.Dial != nil {
		opts.CustomDialer = dialer{open: s.Dial, limit: opts.Timeout}
	}
	for _, o := range fromSettings(s) {
		if !o.set {
			continue
		}
		if err := o.option(&opts); err != nil {
			return opts, fmt.Errorf("%s: %w", o.setting, err)
		}
	}
	return opts, nil
}

// dialer lets the client use a DialFunc.
type dialer struct {
	open  sources.DialFunc
	limit time.Duration
}

func (d dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d.limit)
	defer cancel()
	return d.open(ctx, network, address)
}

// option is one of the client, if the setting is set that it comes from.
type option struct {
	set     bool
	setting string
	option  client.Option
}

func fromSettings(s nats.Settings) []option {
	return []option{
		{s.User != "", "NATS_USER", client.UserInfo(s.User, s.Password.Reveal())},
		{!s.Token.IsZero(), "NATS_TOKEN", client.Token(s.Token.Reveal())},
		{s.Creds != "", "NATS_CREDS", readable(s.Creds, client.UserCredentials(s.Creds))},
		{s.NKey != "", "NATS_NKEY", nkey(s.NKey)},
		{s.CA != "", "NATS_CA", client.RootCAs(s.CA)},
		{s.Cert != "" && s.Key != "", "NATS_CERT and NATS_KEY", client.ClientCert(s.Cert, s.Key)},
		{s.TLSFirst, "NATS_TLS_FIRST", client.TLSHandshakeFirst()},
	}
}

// nkey reads the seed of an NKey.
func nkey(file string) client.Option {
	return func(opts *client.Options) error {
		option, err := client.NkeyOptionFromSeed(file)
		if err != nil {
			return fmt.Errorf("%q: %w", file, err)
		}
		return option(opts)
	}
}

// readable is option, provided that file can be read. The client reads it
// again at every connect, so that credentials may be exchanged meanwhile.
func readable(file string, option client.Option) client.Option {
	return func(opts *client.Options) error {
		if _, err := os.ReadFile(file); err != nil { //nolint:gosec // the operator names the file
			return err
		}
		return option(opts)
	}
}
