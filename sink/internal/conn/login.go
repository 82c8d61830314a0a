package conn

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// login takes an encrypted stream to a bound resource.
func (c *Client) login(ctx context.Context) error {
	if err := c.account.sasl.authenticate(c.stream); err != nil {
		return err
	}
	if err := c.stream.open(c.account.Domain); err != nil {
		return err
	}
	var err error
	if c.JID, err = c.bind(ctx); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if session := c.stream.offered.Session; session != nil && session.Optional == nil {
		if _, err := c.Ask(ctx, "set", "", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"); err != nil {
			return fmt.Errorf("session: %w", err)
		}
	}
	c.stream.trace.reach(StepLogin, "logged in as "+c.JID)
	limits := c.stream.offered.Limits
	c.MaxStanzaBytes, c.Idle = limits.MaxBytes, time.Duration(limits.IdleSeconds)*time.Second
	return nil
}

// bind asks for a resource of the server's choice. It is new every time: with
// a fixed one the remains of the last session would reach this one.
func (c *Client) bind(ctx context.Context) (string, error) {
	type answer struct {
		JID string `xml:"bind>jid"`
	}
	bound, err := wire.Result[answer](c.Ask(ctx, "set", "", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"))
	if err == nil && bound.JID == "" {
		err = errors.New("server gave no address")
	}
	return bound.JID, err
}
