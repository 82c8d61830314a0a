// Package proxy dials through a SOCKS5 or an HTTP proxy.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/proxy"
)

// Dial opens a connection, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// contextDialer is what the proxies of golang.org/x/net/proxy are.
type contextDialer interface {
	proxy.Dialer
	proxy.ContextDialer
}

// New returns how to connect through the proxy at address, a URL like
// socks5://user:password@proxy.example.org:1080, http://… or https://…
// Names are resolved by the proxy. No error shows the password.
func New(address string) (Dial, error) {
	d, err := parse(address)
	if err != nil {
		return nil, err
	}
	return d.DialContext, nil
}

// Error says that a proxy, or the way to it, failed.
type Error struct{ Err error }

func (e *Error) Error() string { return "proxy: " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// told is a proxy whose failures are of type Error.
type told struct{ contextDialer }

func (t told) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := t.contextDialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, &Error{err}
	}
	return conn, nil
}

// FromEnvironment is New for ALL_PROXY, for all but the hosts of NO_PROXY; nil
// if there is no such proxy.
func FromEnvironment() (Dial, error) {
	address := either("ALL_PROXY", "all_proxy")
	if address == "" {
		return nil, nil
	}
	d, err := parse(address)
	if err != nil {
		return nil, fmt.Errorf("ALL_PROXY: %w", err)
	}
	hosts := proxy.NewPerHost(d, new(net.Dialer))
	hosts.AddFromString(either("NO_PROXY", "no_proxy"))
	return hosts.DialContext, nil
}

// either is the first of two variables that is set.
func either(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

var errForm = errors.New("is not the URL of a proxy: write socks5://HOST:PORT or http://HOST:PORT, with user and password before HOST if the proxy wants them")

func parse(address string) (contextDialer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" { // the error would show the password
		return nil, errForm
	}
	switch strings.ToLower(u.Scheme) {
	case "socks5", "socks5h":
		u.Scheme = "socks5h"
		d, err := socks(u)
		return told{d}, err
	case "http", "https":
		return told{newTunnel(u)}, nil
	default:
		return nil, errForm
	}
}

func socks(u *url.URL) (contextDialer, error) {
	var auth *proxy.Auth
	if u.User != nil {
		password, _ := u.User.Password()
		auth = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", withPort(u, "1080"), auth, new(net.Dialer))
	if err != nil {
		return nil, fmt.Errorf("use SOCKS5: %w", err)
	}
	both, ok := d.(contextDialer)
	if !ok {
		return nil, errors.New("use SOCKS5: it cannot be given up")
	}
	return both, nil
}

func withPort(u *url.URL, port string) string {
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port)
}
