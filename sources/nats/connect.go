package nats

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const (
	reconnectWait   = 500 * time.Millisecond
	reconnectJitter = 500 * time.Millisecond
	// A peer that vanished without a word is noticed after two pings.
	pingInterval = 10 * time.Second
)

// named is an option and the setting that it comes from.
type named struct {
	setting string
	option  nats.Option
}

// options turns the settings into those of the client. Files are tried here,
// so that a wrong one is an error with the name of its setting.
func (c Common) options() (nats.Options, error) {
	opts := nats.GetDefaultOptions()
	opts.Name = "xmpp-notifier"
	for _, server := range c.URLs {
		opts.Servers = append(opts.Servers, strings.TrimSpace(server))
	}
	opts.RetryOnFailedConnect = true
	opts.MaxReconnect = -1
	opts.IgnoreAuthErrorAbort = true // credentials may be mended while we wait
	opts.ReconnectWait = reconnectWait
	opts.ReconnectJitter, opts.ReconnectJitterTLS = reconnectJitter, reconnectJitter
	opts.PingInterval = pingInterval
	opts.InboxPrefix = c.InboxPrefix
	if c.Dial != nil {
		opts.CustomDialer = dialer{open: c.Dial, limit: opts.Timeout}
	}

	list, err := c.authOptions()
	if err != nil {
		return opts, err
	}
	for _, n := range append(list, c.tlsOptions()...) {
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

func (c Common) authOptions() ([]named, error) {
	var list []named
	if c.User != "" {
		list = append(list, named{"NATS_USER", nats.UserInfo(c.User, c.Password.Reveal())})
	}
	if !c.Token.IsZero() {
		list = append(list, named{"NATS_TOKEN", nats.Token(c.Token.Reveal())})
	}
	if c.Creds != "" {
		list = append(list, named{"NATS_CREDS", readable(c.Creds, nats.UserCredentials(c.Creds))})
	}
	if c.NKey != "" {
		option, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("NATS_NKEY %q: %w", c.NKey, err)
		}
		list = append(list, named{"NATS_NKEY", option})
	}
	return list, nil
}

func (c Common) tlsOptions() []named {
	var list []named
	if c.CA != "" {
		list = append(list, named{"NATS_CA", nats.RootCAs(c.CA)})
	}
	if c.Cert != "" && c.Key != "" {
		list = append(list, named{"NATS_CERT and NATS_KEY", nats.ClientCert(c.Cert, c.Key)})
	}
	if c.TLSFirst {
		list = append(list, named{"NATS_TLS_FIRST", nats.TLSHandshakeFirst()})
	}
	return list
}

// readable is option, provided that file can be read. The client reads it
// again at every connect, so that credentials may be exchanged meanwhile.
func readable(file string, option nats.Option) nats.Option {
	return func(opts *nats.Options) error {
		if _, err := os.ReadFile(file); err != nil { //nolint:gosec // the operator names the file
			return err
		}
		return option(opts)
	}
}

// dial starts to connect, and keeps at it.
func (c Common) dial(w *watcher) (*nats.Conn, error) {
	opts, err := c.options()
	if err != nil {
		return nil, err
	}
	w.watch(&opts)
	conn, err := opts.Connect()
	if err != nil {
		return nil, fmt.Errorf("connect to NATS_URL: %w", err)
	}
	return conn, nil
}
