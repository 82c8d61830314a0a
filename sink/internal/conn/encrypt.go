package conn

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

var errNoTLS = errors.New("server offers no STARTTLS")

// encrypt brings the stream under TLS, and opens it there.
func (a *Account) encrypt(ctx context.Context, s *Stream, direct bool) error {
	if s.framed { // it is there already
		return s.open(a.Domain)
	}
	if direct {
		cfg := a.tls.Clone()
		cfg.NextProtos = []string{"xmpp-client"} // XEP-0368
		if err := s.secure(ctx, cfg); err != nil {
			return err
		}
		return s.open(a.Domain)
	}
	if err := s.open(a.Domain); err != nil {
		return without(err, errNoTLS)
	}
	if s.offered.StartTLS == nil {
		return errNoTLS
	}
	if err := s.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); err != nil {
		return err
	}
	answer, err := s.Next()
	if err != nil {
		return err
	}
	if string(answer.Name) != "proceed" || s.framer.Buffered()+s.tcp.ahead.Buffered() > 0 {
		// Bytes behind the answer were not encrypted: somebody injected them.
		return fmt.Errorf("STARTTLS refused: %.60q", answer.Raw)
	}
	if err := s.secure(ctx, a.tls); err != nil {
		return err
	}
	return without(s.open(a.Domain), ErrNoMechanism)
}

// without says what is missing if the server ends a stream because it has
// nothing to offer on it, as Prosody does.
func without(err, missing error) error {
	if c, said := errors.AsType[*Condition](err); said && strings.Contains(c.Text, "No stream features") {
		return fmt.Errorf("%w: %w", missing, err)
	}
	return err
}
