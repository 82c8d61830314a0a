package conn

import (
	"bytes"
	"context"
	"crypto/rand"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// Client is one connection of an account, for requests one after the other. Its
// methods are for one goroutine at a time, and ctx bounds each.
type Client struct {
	Identity // after the login

	account *Account
	stream  *Stream
}

// Connect opens a stream under TLS to the account's server, with nobody logged in.
// The caller closes the Client.
func (a *Account) Connect(ctx context.Context) (c *Client, err error) {
	err = a.follow(func(there *Account) (err error) {
		c, err = there.open(ctx)
		return err
	})
	return c, err
}

// open is Connect to the one place that the account knows.
func (a *Account) open(ctx context.Context) (*Client, error) {
	s, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	return &Client{account: a, stream: s}, nil
}

// Login logs the account in. It fails with a *Condition inside if the server
// refuses.
func (c *Client) Login(ctx context.Context) error {
	defer c.stream.Bound(ctx)()
	if err := c.login(ctx); err != nil {
		return explain(KindLogin, "log in as "+c.account.JID(), err)
	}
	return nil
}

// Close ends the connection at once.
func (c *Client) Close() { c.stream.Close() }

// Ask sends an IQ of type get or set to an address, or to the server if that is
// empty, and returns the result as it came. A refusal is a *Condition.
func (c *Client) Ask(ctx context.Context, kind, to, payload string) ([]byte, error) {
	id := rand.Text()
	var result []byte
	err := c.Converse(ctx, request(id, kind, to, payload), func(e wire.Element) (bool, error) {
		switch {
		case !e.Is("iq") || string(e.ID) != id:
			return false, nil
		case string(e.Type) == "error":
			return true, StanzaError(e)
		case string(e.Type) == "result":
			result = bytes.Clone(e.Raw)
			return true, nil
		default:
			return false, nil
		}
	})
	return result, err
}

// Converse sends text, and hands what comes to take until that is done with it
// or fails. Requests of others are answered, as by a Conn.
func (c *Client) Converse(ctx context.Context, text string, take func(wire.Element) (done bool, err error)) error {
	defer c.stream.Bound(ctx)()
	if err := c.stream.write(text); err != nil {
		return err
	}
	for {
		e, err := c.stream.Next()
		if err != nil {
			return err
		}
		if done, err := take(e); done || err != nil {
			return err
		}
		if e.Is("iq") && (string(e.Type) == "get" || string(e.Type) == "set") {
			if err := c.stream.write(reply(e)); err != nil {
				return err
			}
		}
	}
}
