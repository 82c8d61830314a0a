package kafka

import (
	"bufio"
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
	// bufferSize is how much is read at once of what fetches bring.
	bufferSize = 32 << 10
)

var errSevered = errors.New("kafka connections are closed")

// network opens connections, knows the open ones, and can cut them all. The
// library cannot be interrupted while it waits for a broker; its connection can.
type network struct {
	tls  *tls.Config // nil: no TLS
	open sources.DialFunc

	mu      sync.Mutex
	links   map[*link]struct{}
	severed bool
}

func newNetwork(config *tls.Config, open sources.DialFunc) *network {
	if open == nil {
		open = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	return &network{tls: config, open: open, links: map[*link]struct{}{}}
}

// dial has the shape that the library's Dialer and Transport ask for. TLS is
// done here for both, because the Dialer leaks connections that fail it.
func (n *network) dial(ctx context.Context, protocol, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := n.open(ctx, protocol, address)
	if err != nil {
		return nil, err
	}
	l, err := n.adopt(conn)
	if err != nil || n.tls == nil {
		return l, err
	}
	secure := tls.Client(l, n.tlsFor(address))
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("start TLS with %s: %w", address, err)
	}
	return secure, nil
}

// dialBuffered is dial, for a connection that brings much: the library reads
// 4 kB at a time.
func (n *network) dialBuffered(ctx context.Context, protocol, address string) (net.Conn, error) {
	conn, err := n.dial(ctx, protocol, address)
	if err != nil {
		return nil, err
	}
	return &buffered{conn, bufio.NewReaderSize(conn, bufferSize)}, nil
}

// buffered reads more from a connection at once than it is asked for.
type buffered struct {
	net.Conn
	ahead *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.ahead.Read(p) }

func (n *network) tlsFor(address string) *tls.Config {
	config := n.tls.Clone()
	if host, _, err := net.SplitHostPort(address); err == nil {
		config.ServerName = host
	}
	return config
}

func (n *network) adopt(conn net.Conn) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.severed {
		_ = conn.Close()
		return nil, errSevered
	}
	l := &link{Conn: conn, network: n}
	n.links[l] = struct{}{}
	return l, nil
}

// sever closes all connections, and every later one at once.
func (n *network) sever() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.severed = true
	for l := range n.links {
		_ = l.Conn.Close()
	}
	clear(n.links)
}

// link is a connection on which no read waits for ever.
type link struct {
	net.Conn
	network *network
	timed   atomic.Bool // the library has set a deadline
}

func (l *link) Read(b []byte) (int, error) {
	if !l.timed.Load() {
		if err := l.Conn.SetReadDeadline(time.Now().Add(readLimit)); err != nil {
			return 0, err
		}
	}
	return l.Conn.Read(b)
}

func (l *link) SetDeadline(t time.Time) error {
	l.timed.Store(!t.IsZero())
	return l.Conn.SetDeadline(t)
}

func (l *link) SetReadDeadline(t time.Time) error {
	l.timed.Store(!t.IsZero())
	return l.Conn.SetReadDeadline(t)
}

func (l *link) Close() error {
	l.network.mu.Lock()
	delete(l.network.links, l)
	l.network.mu.Unlock()
	return l.Conn.Close()
}
