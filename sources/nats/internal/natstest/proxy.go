package natstest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy is a network between source and broker that loses things on order.
type Proxy struct {
	listener net.Listener
	target   string
	// Lossy: the broker does not get what the source sends.
	Lossy atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

// NewProxy starts a proxy for the server at target.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	Must(t, err)
	p := &Proxy{listener: listener, target: target}
	p.wg.Go(p.accept)
	t.Cleanup(func() { _ = listener.Close(); p.Cut(); p.wg.Wait() })
	return p
}

// URL is where the proxy listens.
func (p *Proxy) URL() string { return "nats://" + p.listener.Addr().String() }

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := (&net.Dialer{}).Dial("tcp", p.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, near, far)
		p.mu.Unlock()
		p.wg.Go(func() { p.copy(far, near, &p.Lossy) })
		p.wg.Go(func() { p.copy(near, far, &atomic.Bool{}) })
	}
}

// copy passes on what it reads, unless lose is set.
func (p *Proxy) copy(to io.WriteCloser, from io.ReadCloser, lose *atomic.Bool) {
	defer func() { _ = to.Close(); _ = from.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if lose.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// Cut breaks all connections; new ones work.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
	p.Lossy.Store(false)
}
