package sim

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// link is one connection: a pipe up to the server and one down to the worker.
type link struct {
	name           string // what the server sees as the other end's address
	owner          *process
	up, down       *pipe
	client, server *conn
}

func newLink(name string, owner *process, random *rand.Rand) *link {
	number := func() *rand.Rand { return rand.New(rand.NewPCG(random.Uint64(), random.Uint64())) } //nolint:gosec // a simulation
	l := &link{name: name, owner: owner, up: newPipe(number()), down: newPipe(number())}
	l.client = &conn{in: l.down, out: l.up, peer: "server"}
	l.server = &conn{in: l.up, out: l.down, peer: address(name)}
	return l
}

// reset ends the link for both ends. What is on its way still arrives or not,
// in each direction.
func (l *link) reset(upArrives, downArrives bool) {
	l.up.reset(upArrives)
	l.down.reset(downArrives)
}

// hold keeps everything back that is on its way or will be, for d.
func (l *link) hold(d time.Duration) {
	l.up.hold(d)
	l.down.hold(d)
}

// heldSince reports whether anything was kept back since then.
func (l *link) heldSince(t time.Time) bool {
	held := func(p *pipe) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.held.After(t)
	}
	return held(l.up) || held(l.down)
}

// abandoned reports whether the worker has closed its end.
func (l *link) abandoned() bool {
	l.client.mu.Lock()
	defer l.client.mu.Unlock()
	return l.client.closed
}

// errReset is what both ends of a broken link are told.
var errReset = errors.New("connection reset by peer")

// capacity is how many bytes a pipe holds before its writer has to wait.
const capacity = 1 << 20

// pipe is one direction of a link.
type pipe struct {
	mu           sync.Mutex
	random       *rand.Rand
	changed      chan struct{} // closed and replaced when something has
	queue        []segment
	size         int
	last         time.Time // when the last one arrives
	held         time.Time // nothing arrives before
	total        int       // bytes written
	cutAfter     int       // bytes after which cut is called, 0: never
	cut          func()
	discards     bool      // what is written vanishes
	ended        time.Time // by the writer; zero: not
	failed       time.Time // for both ends; zero: not
	readerClosed bool      // the reader has closed
}

type segment struct {
	at   time.Time
	data []byte
}

func newPipe(random *rand.Rand) *pipe {
	return &pipe{random: random, changed: make(chan struct{})}
}

// delay is that of the next piece.
func (p *pipe) delay() time.Duration {
	return leastDelay + time.Duration(p.random.Int64N(int64(mostDelay-leastDelay)))
}

// signal wakes whoever waits. p.mu is held.
func (p *pipe) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.signal()
}

func (p *pipe) reset(arrives bool) {
	p.change(func() {
		if p.failed.IsZero() {
			p.failed = time.Now().Add(p.delay())
		}
		if !arrives {
			p.queue, p.size = nil, 0
		}
	})
}

func (p *pipe) hold(d time.Duration) {
	p.change(func() {
		until := time.Now().Add(d)
		p.held = until
		for i := range p.queue {
			if p.queue[i].at.Before(until) {
				p.queue[i].at = until
			}
		}
		if p.last.Before(until) {
			p.last = until
		}
	})
}

// discard makes everything vanish that is written from now on.
func (p *pipe) discard() { p.change(func() { p.discards = true }) }

// cutAt calls cut once n more bytes have been written.
func (p *pipe) cutAt(n int, cut func()) {
	p.change(func() { p.cutAfter, p.cut = p.total+n, cut })
}

// put takes as much of data as there is room for.
func (p *pipe) put(data []byte) (n int, cut func()) {
	n = min(len(data), max(0, capacity-p.size))
	if p.cut != nil && p.total+n >= p.cutAfter {
		n, cut = p.cutAfter-p.total, p.cut
		p.cut = nil
	}
	p.total += n
	if p.readerClosed && p.failed.IsZero() { // as the answer of a host that knows nothing of the connection
		p.failed = time.Now().Add(p.delay())
	}
	if n == 0 || p.discards || p.readerClosed {
		return n, cut
	}
	at := time.Now().Add(p.delay())
	if at.Before(p.held) {
		at = p.held
	}
	if !at.After(p.last) {
		at = p.last.Add(time.Microsecond)
	}
	p.last = at
	p.queue = append(p.queue, segment{at, append([]byte(nil), data[:n]...)})
	p.size += n
	p.signal()
	return n, cut
}

// take reads what has arrived. wait is when to look again, zero for not before
// something changes.
func (p *pipe) take(data []byte) (n int, wait time.Time, err error) {
	if len(p.queue) > 0 {
		s := &p.queue[0]
		if now := time.Now(); s.at.After(now) {
			return 0, s.at, nil
		}
		n = copy(data, s.data)
		p.size -= n
		if s.data = s.data[n:]; len(s.data) == 0 {
			p.queue = p.queue[1:]
		}
		return n, wait, nil
	}
	switch {
	case passed(p.failed):
		return 0, wait, &net.OpError{Op: "read", Net: "tcp", Err: errReset}
	case passed(p.ended):
		return 0, wait, io.EOF
	default:
		return 0, earliest(p.failed, p.ended), nil
	}
}

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
		if c.out.ended.IsZero() {
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

// vanish ends the worker's side. The server hears nothing of it: what was sent
// arrives, and what it sends from now on gets no answer.
func (l *link) vanish() {
	l.client.mu.Lock()
	l.client.closed = true
	l.client.mu.Unlock()
	l.down.change(func() { l.down.discards, l.down.queue, l.down.size = true, nil, 0 })
	l.up.change(func() {})
}
