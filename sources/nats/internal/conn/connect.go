// Package conn connects to NATS with the common settings, keeps the log informed
// about the connection, and explains its errors.
package conn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
)

// Wait is how long a source waits for the connection before it says that there
// is none.
const Wait = 2 * time.Second

// requestTime bounds what the caller did not bound.
const requestTime = 5 * time.Second

// ErrOffline says that there is no connection at the moment.
var ErrOffline = errors.New("not connected")

// Conn is a connection to NATS and its JetStream.
type Conn struct {
	*client.Conn
	JS jetstream.JetStream

	watcher *watcher
}

// Events are what a source wants to know about its connection. They are called
// on the client's goroutine and do not block. Each may be nil.
type Events struct {
	Up, Down func()
	// Failed sees the errors that the client reports on the side, and says
	// whether it takes care of one.
	Failed func(error) bool
}

// Open starts to connect, and keeps at it: its errors are about the settings, together
// with what is wrong with others.
func Open(s nats.Settings, log *slog.Logger, events Events, wrong ...error) (*Conn, error) {
	if err := errors.Join(append(s.Validate(), wrong...)...); err != nil {
		return nil, err
	}
	opts, err := options(s)
	if err != nil {
		return nil, err
	}
	opts.RetryOnFailedConnect = true
	opts.MaxReconnect = -1
	opts.IgnoreAuthErrorAbort = true // credentials may be corrected meanwhile
	return connect(s, opts, &watcher{log: log, events: events})
}

// Once connects, or says why that fails.
func Once(s nats.Settings, failed func(error) bool) (*Conn, error) {
	opts, err := options(s)
	if err != nil {
		return nil, err
	}
	opts.AllowReconnect = false
	return connect(s, opts, &watcher{log: slog.New(slog.DiscardHandler), events: Events{Failed: failed}})
}

func connect(s nats.Settings, opts client.Options, w *watcher) (*Conn, error) {
	w.watch(&opts)
	conn, err := opts.Connect()
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", strings.Join(opts.Servers, ", "), Explain(err))
	}
	js, err := jetstream.NewWithAPIPrefix(conn, s.API())
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return &Conn{Conn: conn, JS: js, watcher: w}, nil
}

// Online waits a moment for the connection.
func (c *Conn) Online(ctx context.Context) error {
	if c.IsConnected() {
		return nil
	}
	up := c.StatusChanged(client.CONNECTED)
	defer c.RemoveStatusListener(up)
	timer := time.NewTimer(Wait)
	defer timer.Stop()
	for !c.IsConnected() {
		select {
		case <-up:
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return c.offline()
		}
	}
	return nil
}

// Stream looks a stream up.
func (c *Conn) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	stream, err := c.JS.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", name, err)
	}
	return stream, nil
}

// offline explains why there is no connection, in the words of the last attempt.
func (c *Conn) offline() error {
	if why := c.watcher.reason(); why != nil {
		return fmt.Errorf("%w: %w", ErrOffline, why)
	}
	return ErrOffline
}

// Flush waits until the server has all that was sent, within ctx.
func (c *Conn) Flush(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTime)
		defer cancel()
	}
	return c.FlushWithContext(ctx)
}
