//go:build real && chaos

package e2e_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy is the network between the workers and the XMPP server. It can be cut:
// then connections break, and new ones are refused.
type proxy struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]struct{}
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: target, listener: listener, conns: map[net.Conn]struct{}{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		p.running.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// cut breaks all connections, with a reset, and refuses new ones.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for conn := range p.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	clear(p.conns)
}

// mend ends the cut.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target) //nolint:noctx // on loopback
		if err != nil {
			_ = client.Close()
			continue
		}
		if p.adopt(client, server) {
			p.running.Go(func() { pump(client, server) })
			p.running.Go(func() { pump(server, client) })
		}
	}
}

// adopt keeps two ends of a connection to be cut.
func (p *proxy) adopt(ends ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, end := range ends {
		if p.down {
			_ = end.Close()
			continue
		}
		p.conns[end] = struct{}{}
	}
	return !p.down
}

func pump(from, to net.Conn) {
	_, _ = io.Copy(to, from) // its end is the news
	_ = from.Close()
	_ = to.Close()
}
