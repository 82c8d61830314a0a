package sinktest

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// negotiationTime bounds everything up to the bound resource.
	negotiationTime = 30 * time.Second
	loginAttempts   = 3
)

// negotiate takes a new connection to the bound resource (RFC 6120, sections 4 to 7).
// Until then the reading goroutine writes as well, directly.
func (s *session) negotiate() error {
	if err := s.conn.SetDeadline(time.Now().Add(negotiationTime)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	if s.direct {
		if err := s.secure(); err != nil {
			return err
		}
	}
	for s.user == "" {
		if err := s.open(s.loginFeatures()); err != nil {
			return err
		}
		if err := s.login(); err != nil {
			return err
		}
		s.in.restart()
	}
	if err := s.open(s.bindFeatures()); err != nil {
		return err
	}
	if err := s.bind(); err != nil {
		return err
	}
	return s.conn.SetDeadline(time.Time{})
}

// open reads the client's stream header and answers with ours and the features.
func (s *session) open(features string) error {
	head, err := s.in.header()
	if err != nil {
		return err
	}
	if err := s.write("<?xml version='1.0'?><stream:stream xmlns='" + nsClient + "' xmlns:stream='" + nsStreams + "'" +
		attrs("id", s.srv.newID(), "from", s.srv.cfg.Domain, "version", "1.0", "xml:lang", "en") + ">"); err != nil {
		return err
	}
	switch {
	case !head.is(nsStreams, "stream"):
		return streamError{condition: "invalid-namespace"}
	case head.attr("version") != "1.0":
		return streamError{condition: "unsupported-version"}
	case strings.ToLower(head.attr("to")) != s.srv.cfg.Domain:
		return streamError{condition: "host-unknown"}
	}
	return s.write("<stream:features>" + features + "</stream:features>")
}

func (s *session) loginFeatures() string {
	var out string
	if !s.encrypted() {
		switch s.srv.cfg.TLS {
		case TLSRequired:
			return "<starttls xmlns='" + nsTLS + "'><required/></starttls>"
		case TLSOptional:
			out = "<starttls xmlns='" + nsTLS + "'/>"
		case TLSNever:
		}
	}
	return out + s.mechanisms() + s.limits()
}

// mechanisms lists those that can be used now, and how a -PLUS one may be bound (XEP-0440).
func (s *session) mechanisms() string {
	var out strings.Builder
	plus := false
	out.WriteString("<mechanisms xmlns='" + nsSASL + "'>")
	for _, m := range s.srv.mechanismList() {
		if bound := strings.HasSuffix(m, "-PLUS"); !bound || s.encrypted() {
			out.WriteString("<mechanism>" + m + "</mechanism>")
			plus = plus || bound
		}
	}
	out.WriteString("</mechanisms>")
	if plus && len(s.srv.cfg.ChannelBindings) > 0 {
		out.WriteString("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>")
		for _, kind := range s.srv.cfg.ChannelBindings {
			out.WriteString("<channel-binding" + attrs("type", kind) + "/>")
		}
		out.WriteString("</sasl-channel-binding>")
	}
	return out.String()
}

func (s *session) bindFeatures() string {
	need := "<optional/>"
	if s.srv.cfg.Profile.SessionRequired {
		need = "<required/>"
	}
	return "<bind xmlns='" + nsBind + "'><required/></bind><session xmlns='" + nsSession + "'>" + need + "</session>" + s.limits()
}

// limits announces the stanza limit (XEP-0478).
func (s *session) limits() string {
	if !s.srv.cfg.AdvertiseLimits {
		return ""
	}
	return "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>" + strconv.Itoa(s.srv.cfg.MaxStanzaBytes) + "</max-bytes></limits>"
}

// login answers until the stream has to be opened again: encrypted, or with a user.
func (s *session) login() error {
	for range loginAttempts {
		n, err := s.in.next()
		if err != nil {
			return err
		}
		switch {
		case n.is(nsTLS, "starttls"):
			return s.startTLS()
		case n.is(nsClient, "iq"):
			if err := s.register(n); err != nil {
				return err
			}
			continue
		case !n.is(nsSASL, "auth"):
			return streamError{condition: "not-authorized"}
		}
		err = s.authenticate(n)
		refusal, refused := errors.AsType[saslError](err)
		if !refused {
			return err
		}
		s.srv.count(func(c *Stats) { c.LoginFailures++ })
		if err := s.write(refusal.xml()); err != nil {
			return err
		}
	}
	return streamError{condition: "policy-violation", text: "Too many login failures"}
}

// startTLS encrypts. Nothing that was sent in clear may be taken for a part of the encrypted stream.
func (s *session) startTLS() error {
	if s.encrypted() || s.srv.cfg.TLS == TLSNever || s.in.in.Buffered() > 0 {
		if err := s.write("<failure xmlns='" + nsTLS + "'/>"); err != nil {
			return err
		}
		return errStreamEnd
	}
	if err := s.write("<proceed xmlns='" + nsTLS + "'/>" + s.srv.injection()); err != nil {
		return err
	}
	return s.secure()
}

// secure runs the TLS handshake, within the deadline of the negotiation.
func (s *session) secure() error {
	conn := tls.Server(s.wire, s.srv.ca.tlsConfig(s.srv.cfg.NewestTLS))
	if err := conn.HandshakeContext(context.Background()); err != nil {
		return fmt.Errorf("shake hands: %w", err)
	}
	s.conn = conn
	s.in = newStanzaReader(conn, s.srv.cfg.MaxStanzaBytes)
	return nil
}

// bind gives the session its full address; an older session with the same one has to go.
func (s *session) bind() error {
	iq, err := s.in.next()
	if err != nil {
		return err
	}
	request := iq.child(nsBind, "bind")
	if !iq.is(nsClient, "iq") || iq.attr("type") != "set" || request == nil {
		return streamError{condition: "not-authorized"}
	}
	resource := ""
	if r := request.child(nsBind, "resource"); r != nil {
		resource = r.text
	}
	s.bare = s.user + "@" + s.srv.cfg.Domain
	s.jid = s.bare + "/" + cmp.Or(resource, s.srv.newID())
	s.srv.register(s)
	return s.write("<iq type='result'" + attrs("id", iq.attr("id")) + "><bind xmlns='" + nsBind + "'><jid>" + esc(s.jid) + "</jid></bind></iq>")
}
