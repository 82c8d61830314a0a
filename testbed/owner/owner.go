// Package owner is an occupant of a chat room who may do things to it: create
// and change it, kick, ban, silence, destroy. Tests use it to make real rooms
// fail in mid-run. On the servers of the testbed the account admin may do all
// of it in every room.
//
// All methods return when the room has answered that it is done.
package owner

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/internal/raw"
)

// Owner is a connection of its own, an occupant of one room. Its methods are
// for one goroutine at a time.
type Owner struct {
	room   string
	client *raw.Client

	mu        sync.Mutex
	nick      string
	presences chan raw.Stanza // gets our own presences, while somebody waits
}

const (
	// answerLimit bounds the wait for an answer.
	answerLimit = 10 * time.Second
	// presenceAgain is when an unanswered presence is sent again: ejabberd
	// loses those that come while it destroys the room.
	presenceAgain = time.Second
)

// Login logs the account in on server, for things to do to room (the part
// before the @). It does not enter the room.
func Login(ctx context.Context, server *testbed.XMPP, account, room string) (*Owner, error) {
	a, err := credentials(server, account)
	if err != nil {
		return nil, err
	}
	o := &Owner{room: room + "@" + server.MUC, nick: account}
	o.client, err = raw.Dial(ctx, a, o.handle)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// credentials are those of an account of the testbed.
func credentials(server *testbed.XMPP, account string) (raw.Account, error) {
	pem, err := os.ReadFile(server.CAFile)
	if err != nil {
		return raw.Account{}, fmt.Errorf("read CA: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return raw.Account{Addr: server.Addr, Domain: server.Domain, User: account, Password: testbed.Password(account), CA: pool}, nil
}

// Close ends the connection at once. The room sees the owner leave.
func (o *Owner) Close() { o.client.Close() }

// Alive tells whether the connection still stands.
func (o *Owner) Alive(ctx context.Context) error { return o.client.Ping(ctx) }

// Send writes XML as it is, for what no decent client would say.
func (o *Owner) Send(xml string) error { return o.client.Write(xml) }

// Say posts a message to the room.
func (o *Owner) Say(id, body string) error {
	return o.Send(fmt.Sprintf("<message type='groupchat' to='%s' id='%s'><body>%s</body></message>",
		raw.Escape(o.room), raw.Escape(id), raw.Escape(body)))
}

// Enter joins the room under the nickname, with the password if the
// room has one. It tells whether that has created the room; such a room may be
// locked until it has been configured.
func (o *Owner) Enter(ctx context.Context, nick, password string) (created bool, err error) {
	return o.presence(ctx, nick, func(s raw.Stanza) bool { return s.Type == "" },
		"<presence to='%s'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/>%s</x></presence>", passwordXML(password))
}

// Leave leaves the room.
func (o *Owner) Leave(ctx context.Context) error {
	_, err := o.presence(ctx, o.nick, func(s raw.Stanza) bool { return s.Type == "unavailable" }, "<presence to='%s' type='unavailable'>%s</presence>", "")
	return err
}

func passwordXML(password string) string {
	if password == "" {
		return ""
	}
	return "<password>" + raw.Escape(password) + "</password>"
}

// presence sends a presence to the occupant of that nickname, which is ours from now
// on, and waits for the one that is wanted.
func (o *Owner) presence(ctx context.Context, nick string, wanted func(raw.Stanza) bool, format, inner string) (created bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	presences := make(chan raw.Stanza, 16)
	o.expect(nick, presences)
	defer o.expect(nick, nil)
	again := time.NewTicker(presenceAgain)
	defer again.Stop()
	text := fmt.Sprintf(format, raw.Escape(o.room+"/"+nick), inner)
	if err := o.Send(text); err != nil {
		return false, fmt.Errorf("write presence: %w", err)
	}
	for {
		select {
		case <-again.C:
			_ = o.Send(text) // if that fails, the connection is about to end
		case s := <-presences:
			if s.Type == "error" {
				return false, fmt.Errorf("presence in %s: %w", o.room, s.Refusal())
			}
			if wanted(s) {
				return s.Has(201), nil
			}
		case <-o.client.Done():
			return false, fmt.Errorf("connection lost: %w", o.client.Err())
		case <-ctx.Done():
			return false, fmt.Errorf("no answer of %s: %w", o.room, ctx.Err())
		}
	}
}

func (o *Owner) expect(nick string, presences chan raw.Stanza) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.nick, o.presences = nick, presences
}

func (o *Owner) handle(s raw.Stanza) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	own := strings.EqualFold(s.From, o.room+"/"+o.nick) || s.Type == "error" && strings.HasPrefix(s.From, o.room)
	if s.Kind != "presence" || !own || o.presences == nil {
		return nil
	}
	select {
	case o.presences <- s:
		return nil
	default:
		return errors.New("too many presences")
	}
}

// ask sends an IQ to the room.
func (o *Owner) ask(ctx context.Context, kind, payload string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	return o.client.Ask(ctx, o.room, kind, payload)
}
