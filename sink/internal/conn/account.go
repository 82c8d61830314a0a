package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// Dialer opens a connection, as net.Dialer.DialContext does.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// LookupSRV is net.Resolver.LookupSRV: records sorted by priority, and at random
// by weight within one (RFC 2782).
type LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)

// Mode says how TLS begins.
type Mode string

// The modes.
const (
	Auto     Mode = "auto" // as the SRV record says; at a given address direct on port 5223, else STARTTLS
	StartTLS Mode = "starttls"
	Direct   Mode = "direct" // from the first byte (XEP-0368)
)

// The ports of a server without SRV records.
const (
	portStartTLS = "5222"
	portDirect   = "5223"
)

// Account is who we are and how we get there. It outlives connections.
type Account struct {
	Local, Domain string
	Addr          string // host:port; empty: ask DNS
	Mode          Mode
	Dial          Dialer
	Lookup        LookupSRV
	Trace         *Trace // nil: nobody looks

	tls  *tls.Config
	sasl *authenticator
}

// NewAccount returns an account that proves itself with a password. The server's
// certificate must prove the name, issued by one of the roots; nil stands for the
// system's.
func NewAccount(local, domain string, password config.Secret, name string, roots *x509.CertPool) *Account {
	return &Account{
		Local: local, Domain: domain, Mode: Auto,
		Dial: new(net.Dialer).DialContext, Lookup: net.DefaultResolver.LookupSRV,
		tls:  &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12},
		sasl: newAuthenticator(local, password),
	}
}

// JID is the address of the account.
func (a *Account) JID() string { return a.Local + "@" + a.Domain }

// DialWith connects by d. Nothing else is asked of the network: without an address
// d is given the domain, and DNS is left alone.
func (a *Account) DialWith(d Dialer) {
	a.Dial = d
	a.Lookup = func(context.Context, string, string, string) (string, []*net.SRV, error) { return "", nil, nil }
}

// direct reports whether TLS begins with the first byte at the given address.
func (a *Account) direct() bool {
	return a.Mode == Direct || a.Mode == Auto && strings.HasSuffix(a.Addr, ":"+portDirect)
}
