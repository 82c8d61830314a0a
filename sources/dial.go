package sources

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// DialFunc opens a connection to a broker, as [net.Dialer.DialContext] does. TLS
// is the source's own.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Endpoint names the settings for the connection to a broker.
type Endpoint struct {
	Address string // where it is
	CA      string // whose certificates are trusted
	Cert    string // who the worker is
}

// Fix tells what to do about a connection that cannot be opened, or nothing about
// other errors.
func (e Endpoint) Fix(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		alert   tls.AlertError
		dns     *net.DNSError
		network *net.OpError
	)
	switch {
	case errors.As(err, &unknown):
		return "set " + e.CA + " to the authority that issued the broker's certificate"
	case errors.As(err, &name):
		return "use a host in " + e.Address + " that the broker's certificate names"
	case errors.As(err, &invalid):
		return "renew the broker's certificate"
	case errors.As(err, &alert):
		return "set " + e.Cert + " to a client certificate that the broker takes"
	case errors.As(err, &dns):
		return "no such host: correct " + e.Address + ", or the DNS"
	case errors.As(err, &network) && network.Op == "dial":
		return "check that the broker runs, that " + e.Address + " is right, and that no firewall is between"
	}
	return ""
}
