package conn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gosrc.io/xmpp/stanza"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// Identity is what the server says of us after the login.
type Identity struct {
	JID            string        // full JID
	MaxStanzaBytes int           // 0: not announced
	Idle           time.Duration // after which the server drops us, 0: not announced
}

// Login connects, authenticates and binds a resource. The caller owns the Conn;
// ctx bounds the login.
func (a *Account) Login(ctx context.Context) (*Conn, error) {
	var c *Client
	err := a.follow(func(there *Account) (err error) {
		if c, err = there.open(ctx); err != nil {
			return err
		}
		if err = c.Login(ctx); err != nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return newConn(c.stream, c.Identity, a.Domain), nil
}

// authenticate takes an encrypted stream to a bound resource.
func (a *Account) authenticate(s *Stream, offered features) (Identity, error) {
	if err := a.sasl.authenticate(s, offered); err != nil {
		return Identity{}, err
	}
	offered, err := s.open(a.Domain)
	if err != nil {
		return Identity{}, err
	}
	jid, err := bind(s)
	if err != nil {
		return Identity{}, err
	}
	if !offered.Session.IsOptional() {
		if _, err := roundTrip(s, "session", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"); err != nil {
			return Identity{}, err
		}
	}
	s.trace.reach(StepLogin, "logged in as "+jid)
	return Identity{jid, offered.maxBytes, offered.idle}, nil
}

// bind asks for a resource of the server's choice. It is new every time: with
// a fixed one the remains of the last session would reach this one.
func bind(s *Stream) (string, error) {
	frame, err := roundTrip(s, "bind", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
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

// roundTrip asks our server for something and waits for the result. Nothing else
// comes before the first presence.
func roundTrip(s *Stream, id, payload string) ([]byte, error) {
	if err := s.write(request(id, "set", "", payload)); err != nil {
		return nil, err
	}
	for {
		e, err := s.Next()
		switch {
		case err != nil:
			return nil, err
		case !e.Is("iq") || string(e.ID) != id:
			continue
		case string(e.Type) == "result":
			return e.Raw, nil
		default:
			return nil, fmt.Errorf("%s: %w", id, StanzaError(e))
		}
	}
}
