package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
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
	dial          Dialer
	lookup        lookupSRV
	trace         *trace // nil, but for Inspect
}

// The ports of a server without SRV records.
const (
	portStartTLS = "5222"
	portDirect   = "5223"
)

func newAccount(cfg Config) (*account, error) {
	local, domain, err := SplitJID(cfg.JID)
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
		dial:   new(net.Dialer).DialContext,
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
		return features{}, without(err, errNoTLS)
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
	offered, err = s.open(a.domain)
	return offered, without(err, errNoMechanism)
}

// without says what is missing if the server ends a stream because it has
// nothing to offer on it, as Prosody does.
func without(err, missing error) error {
	if c, said := errors.AsType[*Condition](err); said && strings.Contains(c.Text, "No stream features") {
		return fmt.Errorf("%w: %w", missing, err)
	}
	return err
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
		head = "type='get' to='" + wire.Escape(to) + "'"
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
