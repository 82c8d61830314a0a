package conn

import (
	"log/slog"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
)

const (
	// linesEvery and mostLines bound what the log gets, however often the
	// connection breaks and whatever the errors say.
	linesEvery = time.Minute
	mostLines  = 10
	// mostLogged bounds the errors that are remembered as logged.
	mostLogged = 100
)

// watcher logs what becomes of the connection. Each error is logged once until
// the connection is there again: with several servers that do not answer, the
// client tries one after the other.
type watcher struct {
	log    *slog.Logger
	events Events

	mu     sync.Mutex
	down   error           // why there is no connection; nil while there is one
	logged map[string]bool // since the last connection
	begun  time.Time       // of the present linesEvery
	lines  int             // in it
}

// watch makes the client report to the log and to the events.
func (w *watcher) watch(opts *client.Options) {
	opts.ConnectedCB, opts.ReconnectedCB = w.connected, w.connected
	opts.DisconnectedErrCB = w.disconnected
	opts.ReconnectErrCB = w.failed
	opts.AsyncErrorCB = func(_ *client.Conn, _ *client.Subscription, err error) {
		if (w.events.Failed == nil || !w.events.Failed(err)) && w.news("error "+text(err)) {
			w.log.Warn("the broker reports an error", "error", text(err))
		}
	}
	opts.LameDuckModeHandler = func(*client.Conn) {
		w.log.Info("the broker is about to stop; moving to another server")
	}
}

func (w *watcher) connected(c *client.Conn) {
	w.mu.Lock()
	w.down, w.logged = nil, nil
	w.mu.Unlock()
	if server := c.ConnectedUrlRedacted(); server != "" && w.news("up "+server) {
		w.log.Info("connected to the broker", "url", server)
	}
	call(w.events.Up)
}

func call(event func()) {
	if event != nil {
		event()
	}
}

func (w *watcher) disconnected(c *client.Conn, err error) {
	if !c.IsClosed() && w.isDown(err) {
		w.log.Warn("disconnected from the broker, reconnecting", "error", text(err))
	}
	call(w.events.Down)
}

func (w *watcher) failed(_ *client.Conn, err error) {
	if w.isDown(err) {
		w.log.Warn("cannot connect to the broker, retrying", "error", text(err))
	}
}

// isDown notes why there is no connection, and reports whether that is news.
func (w *watcher) isDown(err error) bool {
	w.mu.Lock()
	w.down = Explain(err)
	w.mu.Unlock()
	return w.news("down " + text(err))
}

// news reports whether a line is worth logging.
func (w *watcher) news(line string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logged[line] {
		return false
	}
	if time.Since(w.begun) > linesEvery {
		w.begun, w.lines = time.Now(), 0
	}
	if w.lines++; w.lines > mostLines {
		return false
	}
	if w.logged == nil || len(w.logged) == mostLogged {
		w.logged = map[string]bool{}
	}
	w.logged[line] = true
	return true
}

// reason is why there is no connection.
func (w *watcher) reason() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.down
}

// text is err with what to do about it.
func text(err error) string {
	if err == nil {
		return "connection closed"
	}
	return Explain(err).Error()
}
