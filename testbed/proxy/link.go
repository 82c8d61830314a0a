package proxy

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// link is one client's connection, and ours to the server.
type link struct {
	client, server net.Conn
	ghost          atomic.Bool // the client is gone, and the server must not notice
}

func (l *link) reset() {
	abort(l.client)
	abort(l.server)
}

// abort closes with RST, where there is one.
func abort(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only if it is closed
	}
	_ = conn.Close()
}

// pass copies one direction of l to its end: an end is passed on, anything
// else ends both sides.
func (p *Proxy) pass(l *link, toServer bool) {
	from, to := l.server, l.client
	if toServer {
		from, to = l.client, l.server
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		switch {
		case errors.Is(err, io.EOF):
			if tcp, ok := to.(*net.TCPConn); ok {
				_ = tcp.CloseWrite() // fails only if it is closed
			}
			return
		case err != nil && l.ghost.Load() && toServer:
			return // the other direction goes on
		case err != nil:
			l.reset()
			return
		case p.swallows(toServer) || l.ghost.Load():
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil && !l.ghost.Load() {
			l.reset()
			return
		}
	}
}
