package conn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/xmpp-notifier/xmpp-notifier/internal/proxy"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// explanation is what is known about a failure.
type explanation struct {
	kind    Kind
	fix     string
	lasting bool
}

// explain adds to a failed login what an operator can do about it. Kind says what
// was tried: KindNetwork or KindLogin.
func explain(kind Kind, op string, err error) *Error {
	e := &Error{Kind: kind, Op: op, Err: err}
	for _, known := range []func(Kind, error) (explanation, bool){explainNetwork, explainTLS, explainServer, explainRefusal} {
		if x, ok := known(kind, err); ok {
			e.Kind, e.Fix, e.Lasting = x.kind, x.fix, x.lasting
			break
		}
	}
	return e
}

// explainNetwork knows failures before the server could say anything.
func explainNetwork(_ Kind, err error) (explanation, bool) {
	if _, failed := errors.AsType[*proxy.Error](err); failed { // also if its own host is not found
		return explanation{KindNetwork, "check XMPP_PROXY (or ALL_PROXY), its user and password, and that it lets connections to this port through", false}, true
	}
	if _, failed := errors.AsType[*net.DNSError](err); failed {
		return explanation{KindDNS, "check XMPP_JID, XMPP_ADDR and the DNS", false}, true
	}
	if e, failed := errors.AsType[*net.OpError](err); failed && e.Op == "dial" {
		kind := KindNetwork
		if e.Timeout() {
			kind = KindTimeout
		}
		return explanation{kind, "check that the server runs, that XMPP_ADDR is right, and that no firewall is between", false}, true
	}
	return explanation{}, false
}

// explainTLS knows what is wrong with certificates.
func explainTLS(_ Kind, err error) (explanation, bool) {
	fix := ""
	if errors.Is(err, errNoTLS) {
		fix = "enable TLS on the server, or set XMPP_TLS=direct and XMPP_ADDR if it listens for TLS on a port of its own"
	}
	if e, bad := errors.AsType[x509.HostnameError](err); bad {
		fix = "the certificate must name the domain of XMPP_JID, or else XMPP_TLS_SERVER_NAME: " + names(e.Certificate)
	}
	if _, bad := errors.AsType[x509.UnknownAuthorityError](err); bad {
		fix = "set XMPP_CA_FILE to the authority that issued the server's certificate"
	}
	if e, bad := errors.AsType[x509.CertificateInvalidError](err); bad {
		fix = "give the server a certificate for TLS servers"
		if e.Reason == x509.Expired {
			fix = "renew the server's certificate, or set the clock of this machine"
		}
	}
	if oldTLS(err) {
		fix = "the server has nothing newer than TLS 1.1: enable TLS 1.2 or 1.3 on it"
	}
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad || fix != "" {
		return explanation{KindTLS, fix, fix != ""}, true
	}
	return explanation{}, false
}

// oldTLS reports whether the server takes only versions that we do not take: it says so,
// or chooses one. crypto/tls has types for neither.
func oldTLS(err error) bool {
	text := err.Error()
	return strings.Contains(text, "tls: protocol version not supported") || strings.Contains(text, "tls: server selected unsupported protocol version")
}

// names says what a certificate is good for.
func names(c *x509.Certificate) string {
	if list := append(slices.Clone(c.DNSNames), addresses(c.IPAddresses)...); len(list) > 0 {
		return "it names " + strings.Join(list, ", ")
	}
	return "it has no subjectAltName (RFC 6125), and the common name does not count"
}

func addresses(ips []net.IP) (list []string) {
	for _, ip := range ips {
		list = append(list, ip.String())
	}
	return list
}

// explainServer knows servers that are not what was expected.
func explainServer(kind Kind, err error) (explanation, bool) {
	if errors.Is(err, errNoWebSocket) {
		return explanation{kind, "correct the URL in XMPP_ADDR; https://DOMAIN/.well-known/host-meta may name it (XEP-0156)", true}, true
	}
	if _, none := errors.AsType[tls.RecordHeaderError](err); none {
		return explanation{kind, "there is no TLS from the first byte: set XMPP_TLS=starttls, or correct the port in XMPP_ADDR", true}, true
	}
	other := errors.Is(err, wire.ErrNoStream)
	if other || (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)) && kind == KindNetwork {
		return explanation{kind, "no XMPP server there, or one with TLS from the first byte: set XMPP_TLS=direct, or correct XMPP_ADDR", other}, true
	}
	if errors.Is(err, ErrNoMechanism) {
		return explanation{kind, "enable SCRAM-SHA-256, SCRAM-SHA-1 or PLAIN on the server", true}, true
	}
	return explanation{}, false
}

// explainRefusal knows what servers say.
func explainRefusal(kind Kind, err error) (explanation, bool) {
	c, said := errors.AsType[*Condition](err)
	if !said {
		return explanation{}, false
	}
	if c.Of == OfStream && kind == KindNetwork {
		kind = KindStream
	}
	advice := AdviceFor(c)
	return explanation{kind, advice.Fix, advice.Lasting}, true
}
