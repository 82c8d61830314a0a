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
	list, err := authOptions(s.Auth)
	if err != nil {
		return opts, err
	}
	for _, n := range append(list, tlsOptions(s.TLS)...) {
		if err := n.option(&opts); err != nil {
			return opts, fmt.Errorf("%s: %w", n.setting, err)
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

// named is an option and the setting that it comes from.
type named struct {
	setting string
	option  client.Option
}

func authOptions(a nats.Auth) ([]named, error) {
	var list []named
	if a.User != "" {
		list = append(list, named{"NATS_USER", client.UserInfo(a.User, a.Password.Reveal())})
	}
	if !a.Token.IsZero() {
		list = append(list, named{"NATS_TOKEN", client.Token(a.Token.Reveal())})
	}
	if a.Creds != "" {
		list = append(list, named{"NATS_CREDS", readable(a.Creds, client.UserCredentials(a.Creds))})
	}
	if a.NKey != "" {
		option, err := client.NkeyOptionFromSeed(a.NKey)
		if err != nil {
			return nil, fmt.Errorf("NATS_NKEY %q: %w", a.NKey, err)
		}
		list = append(list, named{"NATS_NKEY", option})
	}
	return list, nil
}

func tlsOptions(t nats.TLS) []named {
	var list []named
	if t.CA != "" {
		list = append(list, named{"NATS_CA", client.RootCAs(t.CA)})
	}
	if t.Cert != "" && t.Key != "" {
		list = append(list, named{"NATS_CERT and NATS_KEY", client.ClientCert(t.Cert, t.Key)})
	}
	if t.TLSFirst {
		list = append(list, named{"NATS_TLS_FIRST", client.TLSHandshakeFirst()})
	}
	return list
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
