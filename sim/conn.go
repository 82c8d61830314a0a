package sim

import (
	"net"
	"os"
	"sync"
	"time"
)

// conn is one end of a link.
type conn struct {
	in, out *pipe
	peer    address

	mu              sync.Mutex
	closed          bool
	hard            bool // closing resets
	readBy, writeBy time.Time
}

// Read implements net.Conn.
func (c *conn) Read(data []byte) (int, error) {
	for {
		c.in.mu.Lock()
		closed, by := c.state(&c.readBy)
		changed := c.in.changed
		var n int
		var err error
		var wait time.Time
		switch {
		case closed:
			err = net.ErrClosed
		case passed(by):
			err = os.ErrDeadlineExceeded
		case len(data) > 0:
			n, wait, err = c.in.take(data)
		}
		if n > 0 {
			c.in.signal() // there is room for more
		}
		c.in.mu.Unlock()
		if n > 0 || err != nil || len(data) == 0 {
			return n, err
		}
		await(changed, wait, by)
	}
}

// Write implements net.Conn.
func (c *conn) Write(data []byte) (int, error) {
	written := 0
	for {
		c.out.mu.Lock()
		closed, by := c.state(&c.writeBy)
		changed, failed := c.out.changed, c.out.failed
		var cut func()
		n := 0
		if !closed && !passed(failed) && !passed(by) {
			n, cut = c.out.put(data[written:])
			written += n
		}
		c.out.mu.Unlock()
		if cut != nil {
			cut()
		}
		switch {
		case closed:
			return written, net.ErrClosed
		case passed(failed):
			return written, &net.OpError{Op: "write", Net: "tcp", Err: errReset}
		case written == len(data):
			return written, nil
		case passed(by):
			return written, os.ErrDeadlineExceeded
		case n == 0 && cut == nil:
			await(changed, failed, by)
		}
	}
}

func (c *conn) state(by *time.Time) (bool, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed, *by
}

func passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// earliest is the first of times that are not zero.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// await returns when something has changed, or at one of the times, which may be zero.
func await(changed <-chan struct{}, times ...time.Time) {
	first := earliest(times...)
	if first.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(first))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

// Close implements net.Conn. What was written still arrives, unless SetLinger(0)
// was called before.
func (c *conn) Close() error {
	c.mu.Lock()
	again, hard := c.closed, c.hard
	c.closed = true
	c.mu.Unlock()
	if again {
		return nil
	}
	c.in.change(func() { c.in.readerClosed, c.in.queue, c.in.size = true, nil, 0 })
	if hard {
		c.out.reset(true)
		c.in.reset(false)
		return nil
	}
	return c.CloseWrite()
}

// CloseWrite ends one direction, as that of a net.TCPConn does.
func (c *conn) CloseWrite() error {
	c.out.change(func() {
		if c.out.ended.IsZero() && !c.out.discards {
			c.out.ended = time.Now().Add(c.out.delay())
		}
	})
	return nil
}

// SetLinger makes Close reset the connection, as that of a net.TCPConn does.
func (c *conn) SetLinger(sec int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hard = sec == 0
	return nil
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return address("here") }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.peer }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.setBy(t, &c.readBy, &c.writeBy)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.setBy(t, &c.readBy)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.setBy(t, &c.writeBy)
	return nil
}

func (c *conn) setBy(t time.Time, which ...*time.Time) {
	c.mu.Lock()
	for _, w := range which {
		*w = t
	}
	c.mu.Unlock()
	c.in.change(func() {})
	c.out.change(func() {})
}
