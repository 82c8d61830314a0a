package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
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

// redirect answers the header of an XML stream by sending its client to another host
// (RFC 6120, 4.9.3.19).
func redirect(client net.Conn, other string) {
	defer func() { _ = client.Close() }()
	_ = client.SetDeadline(time.Now().Add(redirectLimit)) // fails only if it is closed
	header := bufio.NewReader(client)
	for tag := ""; !strings.Contains(tag, "stream:stream"); {
		var err error
		if tag, err = header.ReadString('>'); err != nil {
			return
		}
	}
	_, _ = io.WriteString(client, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1'>"+
		"<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"+other+"</see-other-host></stream:error></stream:stream>") // it comes back, if it did not get that
}

// redirectLimit bounds the wait for the header.
const redirectLimit = 10 * time.Second
