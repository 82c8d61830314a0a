package sink

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// Client is one connection of an account, for requests one after the other: to
// prepare what a Room needs. It does not come back by itself. Its methods are
// for one goroutine at a time, and ctx bounds each.
type Client struct {
	account *account
	stream  *stream
	offered features
}

// Connect opens a stream under TLS to the server of cfg.JID, with nobody
// logged in. The caller closes the Client. Of cfg only what concerns the
// account counts.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	account, err := newAccount(cfg)
	if err != nil {
		return nil, err
	}
	s, offered, err := account.connect(ctx)
	if err != nil {
		return nil, err
	}
	return &Client{account, s, offered}, nil
}

// Login logs the account in. It fails with a *Condition inside if the server
// refuses.
func (c *Client) Login(ctx context.Context) error {
	defer c.stream.bound(ctx)()
	if _, err := c.account.authenticate(c.stream, c.offered); err != nil {
		return explain(fmt.Sprintf("log in as %s@%s", c.account.local, c.account.domain), err)
	}
	return nil
}

// Close ends the connection at once.
func (c *Client) Close() { c.stream.close() }

// Ask sends an IQ of type get or set to an address, or to the server if that is
// empty, and returns the result as it came. A refusal is a *Condition.
func (c *Client) Ask(ctx context.Context, kind, to, payload string) ([]byte, error) {
	id, address := rand.Text(), ""
	if to != "" {
		address = " to='" + wire.Escape(to) + "'"
	}
	var result []byte
	err := c.converse(ctx, "<iq type='"+kind+"' id='"+id+"'"+address+">"+payload+"</iq>", func(e wire.Element) (bool, error) {
		switch {
		case !e.Is("iq") || string(e.ID) != id:
			return false, nil
		case string(e.Type) == "error":
			return true, stanzaError(e)
		case string(e.Type) == "result":
			result = bytes.Clone(e.Raw)
			return true, nil
		default:
			return false, nil
		}
	})
	return result, err
}

// Features asks an entity, or a node of it if that is not empty, for what it can
// do (XEP-0030, section 3).
func (c *Client) Features(ctx context.Context, to, node string) ([]string, error) {
	attribute := ""
	if node != "" {
		attribute = " node='" + wire.Escape(node) + "'"
	}
	raw, err := c.Ask(ctx, "get", to, "<query xmlns='"+nsInfo+"'"+attribute+"/>")
	if err != nil {
		return nil, err
	}
	var info discoInfo
	err = wire.Decode(raw, &info)
	var features []string
	for _, f := range info.Features {
		features = append(features, f.Var)
	}
	return features, err
}

// converse sends text, and hands what comes to take until that is done with it
// or fails. Requests of others are answered, as in a session.
func (c *Client) converse(ctx context.Context, text string, take func(wire.Element) (done bool, err error)) error {
	defer c.stream.bound(ctx)()
	if err := c.stream.write(text); err != nil {
		return err
	}
	for {
		e, err := c.stream.next()
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

// Seat is a place in a room.
type Seat struct {
	Occupant          string // our address in the room
	Affiliation, Role string // XEP-0045, section 5
	Created           bool   // the room did not exist before, and may be locked until it is configured
}

// Enter takes a seat in the room, without its history. A refusal is an *Error
// with the cure.
func (c *Client) Enter(ctx context.Context, room, nick string, password config.Secret) (Seat, error) {
	seat, id := Seat{Occupant: room + "/" + nick}, rand.Text()
	text, err := joinStanza(seat.Occupant, id, password, 0)
	if err != nil {
		return seat, err
	}
	err = c.converse(ctx, text, func(e wire.Element) (bool, error) {
		own, answer := string(e.From) == seat.Occupant, string(e.ID) == id
		switch {
		case !e.Is("presence"):
			return false, nil
		case string(e.Type) == "error" && (own || answer || string(e.From) == room):
			return true, joinError(room, nick, stanzaError(e))
		case len(e.Type) > 0 || !bytes.HasPrefix(e.From, []byte(room+"/")):
			return false, nil
		default:
			return seat.take(e, own, answer)
		}
	})
	return seat, err
}

// take reads a presence from the room, and reports whether it is our own.
func (s *Seat) take(e wire.Element, own, answer bool) (bool, error) {
	x, err := mucUser(e)
	if err != nil {
		return true, err
	}
	if !x.ours(own, answer) {
		return false, nil
	}
	s.Occupant, s.Created = string(e.From), x.has(statusCreated)
	s.Affiliation, s.Role = x.Item.Affiliation, x.Item.Role
	return true, nil
}

// Leave gives the seat up, and returns when the room has said so.
func (c *Client) Leave(ctx context.Context, s Seat) error {
	return c.converse(ctx, "<presence type='unavailable' to='"+wire.Escape(s.Occupant)+"'/>", func(e wire.Element) (bool, error) {
		return e.Is("presence") && string(e.Type) == "unavailable" && string(e.From) == s.Occupant, nil
	})
}
