package sink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"gosrc.io/xmpp/stanza"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// account is who we are and how we get there, derived once from the Config.
type account struct {
	local, domain string
	addr          string // empty: ask DNS
	mode          string // XMPP_TLS
	direct        bool   // at addr
	tls           *tls.Config
	sasl          *authenticator
	lookup        lookupSRV
	trace         *trace // nil, but for Inspect
}

// The ports of a server without SRV records.
const (
	portStartTLS = "5222"
	portDirect   = "5223"
)

func newAccount(cfg Config) (*account, error) {
	local, domain, err := splitJID(cfg.JID)
	if err != nil {
		return nil, fmt.Errorf("XMPP_JID=%q: %w", cfg.JID, err)
	}
	roots, err := cfg.roots()
	if err != nil {
		return nil, err
	}
	name := cfg.TLSServerName
	if name == "" {
		name = domain
	}
	return &account{
		local: local, domain: domain, addr: cfg.Addr, mode: cfg.TLS,
		direct: cfg.TLS == tlsDirect || cfg.TLS == tlsAuto && strings.HasSuffix(cfg.Addr, ":"+portDirect),
		tls:    &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12},
		sasl:   newAuthenticator(local, cfg.Password),
		lookup: net.DefaultResolver.LookupSRV,
	}, nil
}

// identity is what the server says of us after the login.
type identity struct {
	jid            string        // full JID
	maxStanzaBytes int           // 0: not announced
	idle           time.Duration // after which the server drops us, 0: not announced
}

// login connects, authenticates and binds a resource. The caller owns the
// stream; ctx bounds the whole.
func (a *account) login(ctx context.Context) (*stream, identity, error) {
	s, offered, err := a.connect(ctx)
	if err != nil {
		return nil, identity{}, err
	}
	defer s.bound(ctx)()
	id, err := a.authenticate(s, offered)
	if err != nil {
		s.close()
		return nil, identity{}, explain(fmt.Sprintf("log in as %s@%s", a.local, a.domain), err)
	}
	return s, id, nil
}

// authenticate takes an encrypted stream to a bound resource.
func (a *account) authenticate(s *stream, offered features) (identity, error) {
	if err := a.sasl.authenticate(s, offered); err != nil {
		return identity{}, err
	}
	offered, err := s.open(a.domain)
	if err != nil {
		return identity{}, err
	}
	jid, err := bind(s)
	if err != nil {
		return identity{}, err
	}
	if !offered.Session.IsOptional() {
		if _, err := request(s, "", "session", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"); err != nil {
			return identity{}, err
		}
	}
	s.trace.reach(stepLogin, "logged in as "+jid)
	return identity{jid, offered.maxBytes, offered.idle}, nil
}

var errNoTLS = errors.New("server offers no STARTTLS")

// encrypt brings the stream under TLS and returns the features offered there.
func (a *account) encrypt(ctx context.Context, s *stream, direct bool) (features, error) {
	if direct {
		cfg := a.tls.Clone()
		cfg.NextProtos = []string{"xmpp-client"} // XEP-0368
		if err := s.secure(ctx, cfg); err != nil {
			return features{}, err
		}
		return s.open(a.domain)
	}
	offered, err := s.open(a.domain)
	if err != nil {
		return features{}, err
	}
	if _, ok := offered.DoesStartTLS(); !ok {
		return features{}, errNoTLS
	}
	if err := s.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); err != nil {
		return features{}, err
	}
	answer, err := s.next()
	if err != nil {
		return features{}, err
	}
	if string(answer.Name) != "proceed" || s.framer.Buffered() > 0 {
		// Bytes behind the answer were not encrypted: somebody injected them.
		return features{}, fmt.Errorf("STARTTLS refused: %.60q", answer.Raw)
	}
	if err := s.secure(ctx, a.tls); err != nil {
		return features{}, err
	}
	return s.open(a.domain)
}

// bind asks for a resource of the server's choice. It is new every time: with
// a fixed one the remains of the last session would reach this one.
func bind(s *stream) (string, error) {
	frame, err := request(s, "", "bind", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
	if err != nil {
		return "", err
	}
	var result struct {
		Bind stanza.Bind
	}
	if err := wire.Decode(frame, &result); err != nil {
		return "", err
	}
	if result.Bind.Jid == "" {
		return "", errors.New("bind: server gave no address")
	}
	return result.Bind.Jid, nil
}

// request sends an IQ set to our server, or an IQ get to somebody else, and
// waits for its result. Nothing else comes before the first presence.
func request(s *stream, to, id, payload string) ([]byte, error) {
	head := "type='set'"
	if to != "" {
		head = "type='get' to='" + attr(to) + "'"
	}
	if err := s.write(fmt.Sprintf("<iq %s id='%s'>%s</iq>", head, id, payload)); err != nil {
		return nil, err
	}
	for {
		e, err := s.next()
		switch {
		case err != nil:
			return nil, err
		case !e.Is("iq") || string(e.ID) != id:
			continue
		case string(e.Type) == "result":
			return e.Raw, nil
		default:
			return nil, fmt.Errorf("%s: %w", id, stanzaError(e))
		}
	}
}

// features is what a server offers on a stream.
type features struct {
	stanza.StreamFeatures
	maxBytes int           // XEP-0478; 0: not announced
	idle     time.Duration // the same
	bindings []string      // types of channel binding, XEP-0440
}

func parseFeatures(e wire.Element) (features, error) {
	var f features
	if string(e.Name) != "stream:features" {
		return f, fmt.Errorf("expected stream features, got %.60q", e.Raw)
	}
	if err := wire.Decode(e.Raw, &f.StreamFeatures); err != nil {
		return f, err
	}
	var more struct {
		Limits struct {
			MaxBytes    int `xml:"max-bytes"`
			IdleSeconds int `xml:"idle-seconds"`
		} `xml:"urn:xmpp:stream-limits:0 limits"`
		Bindings []struct {
			Type string `xml:"type,attr"`
		} `xml:"urn:xmpp:sasl-cb:0 sasl-channel-binding>channel-binding"`
	}
	if err := wire.Decode(e.Raw, &more); err != nil {
		return f, err
	}
	f.maxBytes, f.idle = more.Limits.MaxBytes, time.Duration(more.Limits.IdleSeconds)*time.Second
	for _, b := range more.Bindings {
		f.bindings = append(f.bindings, b.Type)
	}
	return f, nil
}

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
	case errors.Is(err, wire.ErrNoStream), errors.Is(err, io.ErrUnexpectedEOF) && strings.HasPrefix(op, "connect"):
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

// attr escapes s for an attribute value.
func attr(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
