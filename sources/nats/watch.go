package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

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
	opts.ConnectedCB, opts.ReconnectedCB = connected, connected
	opts.DisconnectedErrCB = func(c *nats.Conn, err error) {
		err = explainConnect(err)
		w.because(err)
		w.down()
		if !c.IsClosed() && w.changed("down", text(err)) {
			w.log.Warn("lost the broker", "error", text(err))
		}
	}
	opts.ReconnectErrCB = func(_ *nats.Conn, err error) {
		err = explainConnect(err)
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
