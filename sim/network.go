package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
)

// network carries bytes between workers and the chat server. Every piece that is
// written arrives after a delay of its own, so nothing happens at the same time
// as something else, and the seed decides what comes first.
type network struct {
	seed uint64

	mu        sync.Mutex
	listeners map[string]*listener
	ports     int
	links     []*link
	refused   time.Time // nobody is let in before
}

func newNetwork(seed uint64) *network {
	return &network{seed: seed, listeners: map[string]*listener{}}
}

// The delays of one piece.
const (
	leastDelay = 50 * time.Microsecond
	mostDelay  = 5 * time.Millisecond
)

// errRefused is what dialing an address says where nobody listens.
var errRefused = errors.New("connection refused")

// listen waits for connections at addr; port 0 stands for a free one.
func (n *network) listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if host, port, err := net.SplitHostPort(addr); err == nil && port == "0" {
		n.ports++
		addr = net.JoinHostPort(host, fmt.Sprint(6000+n.ports))
	}
	if n.listeners[addr] != nil {
		return nil, fmt.Errorf("listen on %s: address in use", addr)
	}
	l := &listener{network: n, addr: address(addr), queue: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// dial connects a worker to addr.
func (n *network) dial(ctx context.Context, owner *process, addr string) (net.Conn, error) {
	n.mu.Lock()
	l, number := n.listeners[addr], uint64(len(n.links))
	if time.Now().Before(n.refused) {
		l = nil
	}
	var made *link
	if l != nil {
		made = newLink(fmt.Sprintf("%s:%d", owner.name, number), owner, rand.New(rand.NewPCG(n.seed, number))) //nolint:gosec // a simulation
		n.links = append(n.links, made)
	}
	n.mu.Unlock()
	switch {
	case owner.isDead():
		return nil, net.ErrClosed
	case l == nil:
		if !backoff.Wait(ctx, mostDelay) {
			return nil, ctx.Err()
		}
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: address(addr), Err: errRefused}
	case !backoff.Wait(ctx, made.up.delay()):
		return nil, ctx.Err()
	}
	owner.own(made)
	select {
	case l.queue <- made.server:
		return made.client, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: address(addr), Err: errRefused}
	}
}

// listener is the server's.
type listener struct {
	network *network
	addr    address
	queue   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, string(l.addr))
		l.network.mu.Unlock()
		close(l.closed)
		for {
			select {
			case c := <-l.queue:
				_ = c.Close() // nobody has seen it
			default:
				return
			}
		}
	})
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

type address string

// Network implements net.Addr.
func (a address) Network() string { return "tcp" }

// String implements net.Addr.
func (a address) String() string { return string(a) }

// refuse lets nobody connect for d.
func (n *network) refuse(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refused = time.Now().Add(d)
}

// find returns the link of a name that the server knows.
func (n *network) find(name string) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		if l.name == name {
			return l
		}
	}
	return nil
}
