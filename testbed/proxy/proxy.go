// Package proxy stands between a client and a server and breaks connections:
// tests of recovery need networks that fail on time.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Proxy passes on TCP connections on a loopback address.
type Proxy struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	links   map[*link]bool
	refuse  bool
	other   string // where new connections are sent instead, "" for nowhere
	stopped bool   // towards the client nothing is passed on
	mute    bool   // towards the server nothing is passed on
	closed  bool
	count   int
}

// New starts a proxy for the server at target, host:port.
func New(ctx context.Context, target string) (*Proxy, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &Proxy{target: target, listener: listener, links: map[*link]bool{}}
	p.running.Go(p.accept)
	return p, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Connections is how many connections have been made so far.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// Close resets all connections and ends the proxy.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Reset()
	p.running.Wait()
}

// Reset ends every connection at once, towards both sides, with RST.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// CutClients ends the clients' side of every connection with RST. The server
// sees nothing of it: for it the clients are there, and silent, until it finds
// out by itself.
func (p *Proxy) CutClients() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.ghost.Store(true)
		abort(l.client)
	}
}

// Refuse makes new connections end at once, or lets them through again.
func (p *Proxy) Refuse(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = yes
}

// SendElsewhere has new connections told to connect to addr instead, by a stream error
// (see-other-host).
func (p *Proxy) SendElsewhere(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.other = addr
}

func (p *Proxy) elsewhere() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.other
}

// Blackhole swallows everything in both directions, on old and new
// connections, with no sign of it, until Heal.
func (p *Proxy) Blackhole() { p.swallow(true, true) }

// BlackholeInbound swallows what servers say, on old and new connections, until Heal.
// What clients say arrives.
func (p *Proxy) BlackholeInbound() { p.swallow(true, false) }

// Heal ends Blackhole and BlackholeInbound. Connections with swallowed bytes are of no
// use to anybody, so all are reset.
func (p *Proxy) Heal() {
	p.swallow(false, false)
	p.Reset()
}

func (p *Proxy) swallow(stopped, mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped, p.mute = stopped, mute
}

func (p *Proxy) swallows(toServer bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if toServer {
		return p.mute
	}
	return p.stopped
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.running.Go(func() { p.serve(conn) })
		}
	}
}

// serve passes on one connection until it ends.
func (p *Proxy) serve(client net.Conn) {
	if other := p.elsewhere(); other != "" {
		redirect(client, other)
		return
	}
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		abort(client)
		return
	}
	l := &link{client: client, server: server}
	if !p.add(l) {
		l.reset()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(l, true) })
	both.Go(func() { p.pass(l, false) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	l.reset()
}

func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		return false
	}
	p.links[l] = true
	p.count++
	return true
}
