package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
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

// watcher tells the log what becomes of the connection: one line per change,
// however often the client tries.
type watcher struct {
	log      *slog.Logger
	up, down func()
	// failed sees the errors that the client reports on the side, and says
	// whether it takes care of one. It may be nil.
	failed func(error) bool

	mu   sync.Mutex
	last string
	why  error // there is no connection; nil while there is one
}

// watch makes the client report to the log, and to up and down.
func (w *watcher) watch(opts *nats.Options) {
	connected := func(c *nats.Conn) {
		w.because(nil)
		if server := c.ConnectedUrlRedacted(); server != "" && w.changed("up", server) {
			w.log.Info("connected to the broker", "url", server)
		}
		w.up()
	}
	opts.ConnectedCB = connected
	opts.ReconnectedCB = connected
	opts.DisconnectedErrCB = func(c *nats.Conn, err error) {
		w.because(err)
		w.down()
		if !c.IsClosed() && w.changed("down", text(err)) {
			w.log.Warn("lost the broker", "error", text(err))
		}
	}
	opts.ReconnectErrCB = func(_ *nats.Conn, err error) {
		w.because(err)
		if w.changed("retry", text(err)) {
			w.log.Warn("cannot connect to the broker", "error", text(err))
		}
	}
	opts.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if w.failed != nil && w.failed(err) {
			return
		}
		if w.changed("error", text(err)) {
			w.log.Warn("the broker reports an error", "error", text(err))
		}
	}
	opts.LameDuckModeHandler = func(*nats.Conn) {
		w.log.Info("the broker is about to stop; moving to another server")
	}
}

// changed reports whether this is news.
func (w *watcher) changed(event, detail string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.last
	w.last = event + " " + detail
	return w.last != last
}

func text(err error) string {
	if err == nil {
		return "connection closed"
	}
	return err.Error()
}

// errOffline says that there is no connection at the moment.
var errOffline = errors.New("not connected")

// because notes why there is no connection.
func (w *watcher) because(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.why = why
}

// offline explains why there is no connection, in the words of the last try.
func (w *watcher) offline() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why != nil {
		return fmt.Errorf("%w: %w", errOffline, w.why)
	}
	return errOffline
}

// online waits a moment for the connection.
func (w *watcher) online(ctx context.Context, conn *nats.Conn) error {
	if conn.IsConnected() {
		return nil
	}
	up := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(up)
	timer := time.NewTimer(connectTime)
	defer timer.Stop()
	for !conn.IsConnected() {
		select {
		case <-up:
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return w.offline()
		}
	}
	return nil
}
