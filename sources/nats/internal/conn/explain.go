package conn

import (
	"errors"
	"net"
	"strings"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Explain adds to a failed connect what the operator can do about it.
func Explain(err error) error {
	_, broken := errors.AsType[*net.OpError](err)
	fix := sources.Endpoint{Address: "NATS_URL", CA: "NATS_CA", Cert: "NATS_CERT and NATS_KEY"}.Fix(err)
	switch {
	case fix != "":
	case errors.Is(err, client.ErrAuthorization), errors.Is(err, client.ErrAuthExpired), errors.Is(err, client.ErrAuthRevoked), errors.Is(err, client.ErrAccountAuthExpired):
		fix = "correct NATS_USER and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS or NATS_NKEY, whichever the server wants"
	case errors.Is(err, client.ErrSecureConnWanted):
		fix = "the server has no TLS: enable it there, or remove NATS_CA, NATS_CERT and the scheme tls in NATS_URL"
	case broken, errors.Is(err, client.ErrNoServers), errors.Is(err, client.ErrTimeout):
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
