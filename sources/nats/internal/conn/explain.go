package conn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Explain adds to a failed connect what the operator can do about it.
func Explain(err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		dns     *net.DNSError
		network *net.OpError
		alert   tls.AlertError
	)
	fix := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, client.ErrAuthorization), errors.Is(err, client.ErrAuthExpired), errors.Is(err, client.ErrAuthRevoked), errors.Is(err, client.ErrAccountAuthExpired):
		fix = "correct NATS_USER and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS or NATS_NKEY, whichever the server wants"
	case errors.As(err, &unknown):
		fix = "set NATS_CA to the authority that issued the server's certificate"
	case errors.As(err, &name):
		fix = "use a host in NATS_URL that the server's certificate names"
	case errors.As(err, &invalid):
		fix = "renew the server's certificate"
	case errors.As(err, &alert):
		fix = "set NATS_CERT and NATS_KEY to a client certificate that the server takes"
	case errors.Is(err, client.ErrSecureConnWanted):
		fix = "the server has no TLS: enable it there, or remove NATS_CA, NATS_CERT and the scheme tls in NATS_URL"
	case errors.As(err, &dns):
		fix = "no such host: correct NATS_URL, or the DNS"
	case errors.Is(err, client.ErrNoServers), errors.Is(err, client.ErrTimeout), errors.As(err, &network):
		fix = "check that the server runs, that NATS_URL is right, and that no firewall is between"
	default:
		return err
	}
	return &check.Fault{Err: err, Fix: fix}
}

// Denied says which permission is missing. The error names the subject.
func Denied(err error) error {
	if _, explained := errors.AsType[*check.Fault](err); explained || !errors.Is(err, client.ErrPermissionViolation) {
		return err
	}
	text := strings.ToLower(err.Error())
	fix := "allow the user to publish there"
	if strings.Contains(text, "subscription to") {
		fix = "allow the user to subscribe there, or set NATS_INBOX_PREFIX"
	}
	return &check.Fault{Err: err, Fix: fix}
}
