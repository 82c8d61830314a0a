package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// tunnel is an HTTP proxy, asked to CONNECT (RFC 9110, section 9.3.6).
type tunnel struct {
	addr, host    string
	encrypted     bool // https: TLS to the proxy itself
	authorization string
}

func newTunnel(u *url.URL) *tunnel {
	t := &tunnel{addr: withPort(u, "80"), host: u.Hostname(), encrypted: strings.EqualFold(u.Scheme, "https")}
	if t.encrypted {
		t.addr = withPort(u, "443")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		t.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return t
}

// Dial is DialContext without an end.
func (t *tunnel) Dial(network, addr string) (net.Conn, error) {
	return t.DialContext(context.Background(), network, addr)
}

// DialContext opens a tunnel to addr.
func (t *tunnel) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, t.addr)
	if err != nil {
		return nil, fmt.Errorf("connect to the proxy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	through, err := t.open(ctx, conn, addr)
	if err == nil && stop() {
		return through, nil
	}
	_ = conn.Close()
	if ctx.Err() != nil { // it is why the proxy was not waited for any longer
		err = fmt.Errorf("ask the proxy for %s: %w", addr, ctx.Err())
	}
	return nil, err
}

// open asks the proxy on conn for the tunnel.
func (t *tunnel) open(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	if t.encrypted {
		encrypted := tls.Client(conn, &tls.Config{ServerName: t.host, MinVersion: tls.VersionTLS12})
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("encrypt the connection to the proxy: %w", err)
		}
		conn = encrypted
	}
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if t.authorization != "" {
		request.Header.Set("Proxy-Authorization", t.authorization)
	}
	if err := request.Write(conn); err != nil {
		return nil, fmt.Errorf("ask the proxy for %s: %w", addr, err)
	}
	return answered(conn, request, addr)
}

// maxAnswer bounds the answer of a proxy.
const maxAnswer = 64 << 10

func answered(conn net.Conn, request *http.Request, addr string) (net.Conn, error) {
	limited := &io.LimitedReader{R: conn, N: maxAnswer}
	reader := bufio.NewReader(limited)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, fmt.Errorf("ask the proxy for %s: %w", addr, err)
	}
	_ = response.Body.Close() // a tunnel that is open has none
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the proxy for %s: it answers %s", addr, response.Status)
	}
	if reader.Buffered() > 0 { // the other end waits for us: this is no server of XMPP
		return nil, fmt.Errorf("ask the proxy for %s: it sends more than an answer", addr)
	}
	return conn, nil
}
