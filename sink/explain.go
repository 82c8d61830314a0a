package sink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// explain adds to a failed login what an operator can do about it.
func explain(op string, err error) *Error {
	e := &Error{Op: op, Err: err}
	var (
		name    x509.HostnameError
		noTLS   tls.RecordHeaderError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		refused *Condition
		network *net.OpError
		dns     *net.DNSError
	)
	switch {
	case errors.As(err, &dns):
		e.Cure = "no such host: check XMPP_JID and XMPP_ADDR, and the DNS"
	case errors.As(err, &network) && network.Op == "dial":
		e.Cure = "check that the server runs, that XMPP_ADDR is right, and that no firewall is between"
	case errors.Is(err, errNoTLS):
		e.Cure, e.Lasting = "enable TLS on the server, or set XMPP_TLS=direct and XMPP_ADDR if it listens for TLS on a port of its own", true
	case errors.As(err, &name):
		e.Cure, e.Lasting = fmt.Sprintf("the certificate must name the domain of XMPP_JID, or else XMPP_TLS_SERVER_NAME: it names %s", strings.Join(name.Certificate.DNSNames, ", ")), true
	case errors.As(err, &unknown):
		e.Cure, e.Lasting = "set XMPP_CA_FILE to the authority that issued the server's certificate", true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Cure, e.Lasting = "renew the server's certificate, or set the clock of this machine", true
	case errors.As(err, &invalid):
		e.Cure, e.Lasting = "give the server a certificate for TLS servers", true
	case errors.As(err, &noTLS):
		e.Cure, e.Lasting = "there is no TLS from the first byte: set XMPP_TLS=starttls, or correct the port in XMPP_ADDR", true
	case errors.Is(err, wire.ErrNoStream), (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)) && strings.HasPrefix(op, "connect"):
		e.Cure, e.Lasting = "no XMPP server there, or one with TLS from the first byte: set XMPP_TLS=direct, or correct XMPP_ADDR", errors.Is(err, wire.ErrNoStream)
	case errors.Is(err, errNoMechanism):
		e.Cure, e.Lasting = "enable SCRAM-SHA-256, SCRAM-SHA-1 or PLAIN on the server", true
	case errors.As(err, &refused) && refused.Name == "host-unknown":
		e.Cure, e.Lasting = "the server does not serve the domain of XMPP_JID: correct XMPP_JID or XMPP_ADDR", true
	case errors.As(err, &refused) && refused.Elsewhere != "":
		e.Cure = fmt.Sprintf("the server sends us to another: set XMPP_ADDR to %.200q", refused.Elsewhere)
	case errors.As(err, &refused) && loginCure(refused) != "":
		e.Cure, e.Lasting = loginCure(refused), true
	}
	return e
}
