// Package observer is an independent occupant of a chat room: it joins, and
// writes down what the room shows to it. Tests hold a worker's claims against
// it, so it shares no code with the worker, and it is simple rather than fast.
package observer

import (
	"context"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/testbed/internal/raw"
)

// Options says who observes which room, and where.
type Options struct {
	Addr           string // STARTTLS, host:port
	Domain         string
	User, Password string
	CA             *x509.CertPool
	Room           string // room@service; created, persistent, if it does not exist
	RoomPassword   string
	Nick           string
	// Archive asks the room's archive (XEP-0313) for what the history leaves out.
	Archive bool
	// OnMessage is called for everything that the room shows, in order, from
	// one goroutine. It must not call the observer.
	OnMessage func(Message)
}

// Message is something that the room has shown.
type Message struct {
	ID       string
	Nick     string
	Body     string
	Delayed  bool   // from the room's history or archive
	Archived bool   // from the archive, which may repeat the history
	Inner    string // what the stanza holds, as the server wrote it
}

// Observer is an occupant of a room.
type Observer struct {
	options Options
	client  *raw.Client
	joined  chan bool // gets whether we created the room, once
	in      bool      // the reader's
}

// Join enters the room with all of its history, and returns when it is in.
func Join(ctx context.Context, o Options) (*Observer, error) {
	ob := &Observer{options: o, joined: make(chan bool, 1)}
	account := raw.Account{Addr: o.Addr, Domain: o.Domain, User: o.User, Password: o.Password, CA: o.CA}
	client, err := raw.Dial(ctx, account, ob.handle)
	if err != nil {
		return nil, fmt.Errorf("join observer: %w", err)
	}
	ob.client = client
	err = ob.enter(ctx)
	if err == nil && o.Archive {
		err = ob.readArchive(ctx)
	}
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("join observer: %w", err)
	}
	return ob, nil
}

// enter joins, and opens the room if it is new.
func (ob *Observer) enter(ctx context.Context) error {
	err := ob.client.Write(fmt.Sprintf("<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'>"+
		"<history maxstanzas='100000'/><password>%s</password></x></presence>",
		ob.options.Room, raw.Escape(ob.options.Nick), raw.Escape(ob.options.RoomPassword)))
	if err != nil {
		return err
	}
	select {
	case created := <-ob.joined:
		if created {
			return ob.configure(ctx)
		}
		return nil
	case <-ob.client.Done():
		return ob.client.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// configure makes a new room persistent and opens it to others.
func (ob *Observer) configure(ctx context.Context) error {
	_, err := ob.client.Ask(ctx, ob.options.Room, "set", "<query xmlns='http://jabber.org/protocol/muc#owner'>"+
		"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"+
		"<field var='muc#roomconfig_persistentroom'><value>1</value></field></x></query>")
	return err
}

// readArchive hands everything in the archive to OnMessage, page by page.
func (ob *Observer) readArchive(ctx context.Context) error {
	after := ""
	for {
		inner, err := ob.client.Ask(ctx, ob.options.Room, "set", "<query xmlns='urn:xmpp:mam:2'>"+
			"<set xmlns='http://jabber.org/protocol/rsm'><max>50</max>"+after+"</set></query>")
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		var fin struct {
			Complete bool   `xml:"complete,attr"`
			Last     string `xml:"set>last"`
		}
		if err := xml.Unmarshal([]byte(inner), &fin); err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		if fin.Complete || fin.Last == "" {
			return nil
		}
		after = "<after>" + raw.Escape(fin.Last) + "</after>"
	}
}

// Done is closed when the observer is no longer in the room.
func (ob *Observer) Done() <-chan struct{} { return ob.client.Done() }

// Close leaves at once.
func (ob *Observer) Close() { ob.client.Close() }

// Fence returns when everything that the server sent to us before the call
// has been handed to OnMessage.
func (ob *Observer) Fence(ctx context.Context) error { return ob.client.Ping(ctx) }

func (ob *Observer) handle(s raw.Stanza) error {
	nick, inRoom := strings.CutPrefix(s.From, ob.options.Room+"/")
	switch {
	case s.Kind == "message" && s.Archived != nil && s.From == ob.options.Room:
		m := s.Archived.Forwarded.Message
		if nick, ok := strings.CutPrefix(raw.Attr(m.Attrs, "from"), ob.options.Room+"/"); ok && m.Body != nil {
			ob.options.OnMessage(Message{ID: raw.Attr(m.Attrs, "id"), Nick: nick, Body: *m.Body, Delayed: true, Archived: true, Inner: m.Inner})
		}
	case s.Kind == "message" && s.Type == "groupchat" && inRoom && s.Body != nil:
		ob.options.OnMessage(Message{ID: s.ID, Nick: nick, Body: *s.Body, Delayed: s.Delay != nil, Inner: s.Inner})
	case s.Kind == "presence" && s.Type == "error" && strings.HasPrefix(s.From, ob.options.Room):
		return fmt.Errorf("refused: %w", s.Refusal())
	case s.Kind == "presence" && inRoom && nick == ob.options.Nick:
		return ob.presence(s)
	}
	return nil
}

// presence is about our own occupant.
func (ob *Observer) presence(s raw.Stanza) error {
	if s.Type == "unavailable" {
		return errors.New("put out of the room")
	}
	if !ob.in {
		ob.in = true
		ob.joined <- s.Has(201)
	}
	return nil
}
