package sinktest

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// gate lets bytes through, or holds them back. The zero value is open.
type gate struct {
	mu   sync.Mutex
	shut chan struct{} // nil while open, closed when it opens
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

// wait returns true as soon as the gate is open, false if done comes first.
func (g *gate) wait(done <-chan struct{}) bool {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut == nil {
		return true
	}
	select {
	case <-shut:
		return true
	case <-done:
		return false
	}
}

// wire is the TCP connection beneath a session. All network faults happen here,
// below TLS, where the client cannot tell them from those of a real network.
type wire struct {
	net.Conn
	shared   *gate         // of the whole server
	own      gate          // of this connection
	rate     *atomic.Int64 // bytes per second that are read, 0 for no limit
	patience time.Duration // for one write
	done     chan struct{}
	once     sync.Once
}

func newWire(conn net.Conn, shared *gate, rate *atomic.Int64, patience time.Duration) *wire {
	return &wire{Conn: conn, shared: shared, rate: rate, patience: patience, done: make(chan struct{})}
}

// Read holds back what has arrived while a gate is shut, the end of the connection included.
func (w *wire) Read(p []byte) (int, error) {
	if rate := int(w.rate.Load()); rate > 0 {
		p = p[:min(len(p), max(rate/10, 64))]
	}
	n, err := w.Conn.Read(p)
	if rate := w.rate.Load(); rate > 0 {
		pause(w.done, time.Duration(n)*time.Second/time.Duration(rate))
	}
	if !w.pass() {
		return 0, net.ErrClosed
	}
	return n, err
}

// Write waits for the gates as long as it takes, and for the client no longer than its patience.
func (w *wire) Write(p []byte) (int, error) {
	if !w.pass() {
		return 0, net.ErrClosed
	}
	_ = w.SetWriteDeadline(time.Now().Add(w.patience)) // fails only when closed, and then so does Write
	return w.Conn.Write(p)
}

func (w *wire) pass() bool { return w.shared.wait(w.done) && w.own.wait(w.done) }

// CloseWrite tells the client that nothing more will come.
func (w *wire) CloseWrite() error {
	if half, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return w.Close()
}

// Close ends every wait on the connection and closes it.
func (w *wire) Close() error {
	w.once.Do(func() { close(w.done) })
	return w.Conn.Close()
}

// abort closes the connection with a reset: what was not sent yet is lost.
func (w *wire) abort() {
	if hard, ok := w.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = hard.SetLinger(0) // fails only on a closed connection
	}
	_ = w.Close()
}

// pause sleeps, but not beyond done.
func pause(done <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}
