package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const (
	dialTimeout = 10 * time.Second
	// readLimit bounds the reads for which the library sets no deadline, so
	// that a broker that accepts connections and then falls silent is left.
	readLimit = 30 * time.Second
)

var errClosed = errors.New("kafka connections are closed")

// Network opens connections, knows the open ones, and can close them all. The
// library cannot be interrupted while it waits for a broker; its connection can.
type Network struct {
	tls  *tls.Config // nil: no TLS
	open sources.DialFunc

	mu     sync.Mutex
	conns  map[*deadlineConn]struct{}
	closed bool
}

func newNetwork(config *tls.Config, open sources.DialFunc) *Network {
	if open == nil {
		open = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	return &Network{tls: config, open: open, conns: map[*deadlineConn]struct{}{}}
}

// Dial has the shape that the library's Dialer and Transport ask for. TLS is
// done here for both, because the Dialer leaks connections that fail it.
func (n *Network) Dial(ctx context.Context, protocol, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := n.open(ctx, protocol, address)
	if err != nil {
		return nil, &dialError{address, err}
	}
	conn, err = n.adopt(conn)
	if err != nil || n.tls == nil {
		return conn, err
	}
	secure := tls.Client(conn, n.tlsFor(address))
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("start TLS with %s: %w", address, err)
	}
	return secure, nil
}

// dialError says which address could not be reached.
type dialError struct {
	address string
	error
}

func (e *dialError) Unwrap() error { return e.error }

func (n *Network) tlsFor(address string) *tls.Config {
	config := n.tls.Clone()
	if host, _, err := net.SplitHostPort(address); err == nil {
		config.ServerName = host
	}
	return config
}

func (n *Network) adopt(conn net.Conn) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		_ = conn.Close()
		return nil, errClosed
	}
	c := &deadlineConn{Conn: conn, network: n, peer: peer{Addr: conn.RemoteAddr()}}
	n.conns[c] = struct{}{}
	return c, nil
}

// Close closes all connections, and every later one at once.
func (n *Network) Close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.Reset()
}

// Reset closes the open connections. Later ones are possible.
func (n *Network) Reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Conn.Close()
	}
	clear(n.conns)
}

// deadlineConn is a connection on which no read waits for ever.
type deadlineConn struct {
	net.Conn
	network *Network
	timed   atomic.Bool // the library has set a deadline
	peer    peer
}

// peer is the broker at the other end. The library hides connections from those who make
// requests, but not their addresses.
type peer struct {
	net.Addr
	versions versions // that it speaks, if it was asked
}

func (c *deadlineConn) RemoteAddr() net.Addr { return &c.peer }

func (c *deadlineConn) Read(b []byte) (int, error) {
	if !c.timed.Load() {
		if err := c.Conn.SetReadDeadline(time.Now().Add(readLimit)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

func (c *deadlineConn) SetDeadline(t time.Time) error {
	c.timed.Store(!t.IsZero())
	return c.Conn.SetDeadline(t)
}

func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	c.timed.Store(!t.IsZero())
	return c.Conn.SetReadDeadline(t)
}

func (c *deadlineConn) Close() error {
	c.network.mu.Lock()
	delete(c.network.conns, c)
	c.network.mu.Unlock()
	return c.Conn.Close()
}
