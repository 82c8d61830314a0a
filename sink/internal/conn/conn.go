// Package conn is one connection to an XMPP server: how it is found, TLS, the
// login, the XML stream (RFC 6120), requests and their answers. It knows no room.
package conn

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// Conn is a connection that is logged in. One goroutine reads and handles stanzas
// in order, one writes; anybody may append to what is written. It ends once, for
// one reason, and does not come back.
type Conn struct {
	Identity
	Domain string // of our server
	// MustAnswer reports whether from may end our presence if it gets no answer. Others
	// get few.
	MustAnswer func(from []byte) bool

	stream   *Stream
	out      *writer
	requests requests
	ended    chan struct{} // closed when it is over, with end set
	end      error
	endOnce  sync.Once
}

// Over returns a Conn over a connection that is logged in already.
func Over(c net.Conn, id Identity, domain string) *Conn {
	s := newStream(c)
	s.framer = wire.NewFramer(s.conn, maxInbound)
	return newConn(s, id, domain)
}

func newConn(s *Stream, id Identity, domain string) *Conn {
	return &Conn{
		Identity: id, Domain: domain, MustAnswer: func([]byte) bool { return false },
		stream: s, out: newWriter(), requests: newRequests(), ended: make(chan struct{}),
	}
}

// closeTimeout is how long a server that takes nothing more, or has ended our presence
// without a word, may still be heard. One that stops says so, and tells what it
// has shown, but closes its end first.
const closeTimeout = time.Second

// Read handles stanzas, in order, until one of them, or the stream, ends it with an
// error. Requests of others and answers to ours are taken here; handle gets the
// rest.
func (c *Conn) Read(handle func(wire.Element) error) error {
	for {
		e, err := c.stream.Next()
		if err != nil {
			return err
		}
		if e.Is("iq") {
			err = c.iq(e)
		} else {
			err = handle(e)
		}
		if err != nil {
			return err
		}
	}
}

// BeforeRead has f called whenever all that was received has been handled. Call it
// before Read.
func (c *Conn) BeforeRead(f func()) { c.stream.tcp.beforeRead = f }

// Write writes what is appended until the connection ends, or ends it. Each piece
// must be taken within the timeout.
func (c *Conn) Write(timeout time.Duration) {
	err := c.out.run(c.stream.conn, timeout, c.ended)
	if err == nil {
		return
	}
	select {
	case <-c.ended:
	case <-time.After(closeTimeout):
		c.Fail(err)
	}
}

// Append lets add append to what is written when Flush is called. It does not wait for
// the network.
func (c *Conn) Append(add func([]byte) []byte) { c.out.add(add) }

// Flush has what was appended written.
func (c *Conn) Flush() { c.out.signal() }

// Send appends a rare stanza.
func (c *Conn) Send(text string) { c.out.text(text) }

// Fail ends the connection because of err, unless it has ended before.
func (c *Conn) Fail(err error) {
	c.endOnce.Do(func() {
		c.end = err
		close(c.ended)
		c.stream.Close()
	})
}

// Ended is closed when the connection has ended.
func (c *Conn) Ended() <-chan struct{} { return c.ended }

// End is why it has ended.
func (c *Conn) End() error {
	<-c.ended
	return c.end
}

// EndSoon lets the server say its last words, if it has any.
func (c *Conn) EndSoon() {
	_ = c.stream.tcp.SetReadDeadline(time.Now().Add(closeTimeout)) // fails only if it is closed
}

// Bound limits everything that the connection does by ctx, until the result is
// called.
func (c *Conn) Bound(ctx context.Context) (release func()) { return c.stream.Bound(ctx) }

// Heard is when something came last. Any goroutine may ask.
func (c *Conn) Heard() time.Time { return c.stream.Heard() }

// Dropped is how many elements were not handed on, because they did not parse or
// were too long.
func (c *Conn) Dropped() (malformed, oversized int) {
	return c.stream.malformed, c.stream.framer.Dropped()
}
