package setup

import (
	"bytes"
	"context"
	"crypto/rand"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// occupant is an account in a room.
type occupant struct {
	address string // in the room
	created bool   // the room did not exist before, and may be locked until it is configured
}

// enter joins the room, without its history. A refusal is an *sink.Error with the
// fix.
func enter(ctx context.Context, c *conn.Client, room, nick string, password config.Secret) (occupant, error) {
	o, id := occupant{address: room + "/" + nick}, rand.Text()
	text, err := muc.Join(o.address, id, password, 0)
	if err != nil {
		return o, err
	}
	err = c.Converse(ctx, text, func(e wire.Element) (bool, error) {
		own, answer := string(e.From) == o.address, string(e.ID) == id
		switch {
		case !e.Is("presence"):
			return false, nil
		case string(e.Type) == "error" && (own || answer || string(e.From) == room):
			return true, muc.JoinError("join "+room+" as "+nick, conn.StanzaError(e))
		case len(e.Type) > 0 || !bytes.HasPrefix(e.From, []byte(room+"/")):
			return false, nil
		default:
			return o.take(e, own, answer)
		}
	})
	return o, err
}

// take reads a presence from the room, and reports whether it is our own.
func (o *occupant) take(e wire.Element, own, answer bool) (bool, error) {
	x, err := muc.ReadUser(e)
	if err != nil {
		return true, err
	}
	if !x.Ours(own, answer) {
		return false, nil
	}
	o.address, o.created = string(e.From), x.Has(muc.StatusCreated)
	return true, nil
}

// leave leaves the room, and returns when the room has said so.
func (o *occupant) leave(ctx context.Context, c *conn.Client) error {
	return c.Converse(ctx, "<presence type='unavailable' to='"+wire.Escape(o.address)+"'/>", func(e wire.Element) (bool, error) {
		return e.Is("presence") && string(e.Type) == "unavailable" && string(e.From) == o.address, nil
	})
}
