package nats

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// explainConnect adds to a failed connect what the operator can do about it.
func explainConnect(err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		dns     *net.DNSError
		network *net.OpError
		alert   tls.AlertError
	)
	cure := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		cure = "correct NATS_USER and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS or NATS_NKEY, whichever the server wants"
	case errors.As(err, &unknown):
		cure = "set NATS_CA to the authority that issued the server's certificate"
	case errors.As(err, &name):
		cure = "use a host in NATS_URL that the server's certificate names"
	case errors.As(err, &invalid):
		cure = "renew the server's certificate"
	case errors.As(err, &alert):
		cure = "set NATS_CERT and NATS_KEY to a client certificate that the server takes"
	case errors.Is(err, nats.ErrSecureConnWanted):
		cure = "the server has no TLS: enable it there, or remove NATS_CA, NATS_CERT and the scheme tls in NATS_URL"
	case errors.As(err, &dns):
		cure = "no such host: correct NATS_URL, or the DNS"
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout), errors.As(err, &network):
		cure = "check that the server runs, that NATS_URL is right, and that no firewall is between"
	default:
		return err
	}
	return &check.Fault{Err: err, Cure: cure}
}

// denied says which permission is missing. The error names the subject.
func denied(err error) error {
	if _, explained := errors.AsType[*check.Fault](err); explained || !errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	text := strings.ToLower(err.Error())
	cure := "allow the user to publish there"
	if strings.Contains(text, "subscription to") {
		cure = "allow the user to subscribe there, or set NATS_INBOX_PREFIX"
	}
	return &check.Fault{Err: err, Cure: cure}
}
