package sinktest

import (
	"net"
	"runtime"
	"sync"
	"time"
)

// lingerTime is how long a client may take to read the last words.
const lingerTime = time.Second

// outbox is the bounded output of a session. Nobody who writes to it ever waits
// for the client: its one writer does, and a client that does not read is dropped.
type outbox struct {
	mu    sync.Mutex
	buf   []byte
	limit int
	ended bool
	wake  chan struct{}
}

func newOutbox(limit int) *outbox {
	return &outbox{limit: limit, wake: make(chan struct{}, 1)}
}

// push queues output, all of it or nothing, and reports whether there was room.
// After the end it swallows everything.
func (o *outbox) push(parts ...string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return true
	}
	size := len(o.buf)
	for _, p := range parts {
		size += len(p)
	}
	if size > o.limit {
		return false
	}
	for _, p := range parts {
		o.buf = append(o.buf, p...)
	}
	o.signal()
	return true
}

// finish queues the last words; the writer closes its side after them.
func (o *outbox) finish(closingXML string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended {
		o.buf = append(o.buf, closingXML...)
		o.ended = true
		o.signal()
	}
}

func (o *outbox) finished() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take swaps the queue for an empty buffer.
func (o *outbox) take(spare []byte) (batch []byte, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	batch, o.buf = o.buf, spare[:0]
	return batch, o.ended
}

// drain writes batches until the outbox has ended or the connection is gone.
func (o *outbox) drain(conn net.Conn, w *wire) {
	var batch []byte
	for {
		select {
		case <-o.wake:
		case <-w.done:
			return
		}
		runtime.Gosched() // a reader that is at work fills the batch first
		var ended bool
		batch, ended = o.take(batch)
		if _, err := conn.Write(batch); err != nil {
			w.abort()
			return
		}
		if ended {
			closeWrite(conn, w)
			return
		}
	}
}

// closeWrite ends our side and gives the client a moment to end its own.
func closeWrite(conn net.Conn, w *wire) {
	if secure, ok := conn.(interface{ CloseWrite() error }); ok && conn != net.Conn(w) {
		_ = secure.CloseWrite() // the close of the connection follows in any case
	}
	_ = w.CloseWrite()
	_ = w.SetReadDeadline(time.Now().Add(lingerTime))
}
