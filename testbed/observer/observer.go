// Package observer is an independent occupant of a chat room: it joins, and
// writes down what the room shows to it. Tests hold a worker's claims against
// it, so it shares no code with the worker, and it is simple rather than fast.
package observer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// Options says who observes which room, and where.
type Options struct {
	Addr           string // STARTTLS, host:port
	Domain         string
	User, Password string
	CA             *x509.CertPool
	Room           string // room@service; created, persistent, if it does not exist
	Nick           string
	// OnMessage is called for everything that the room shows, in order, from
	// one goroutine. It must not call the observer.
	OnMessage func(Message)
}

// Message is something that the room has shown.
type Message struct {
	ID      string
	Nick    string
	Body    string
	Delayed bool // from the room's history
}

// Observer is a seat in a room.
type Observer struct {
	options Options
	conn    net.Conn
	decoder *xml.Decoder
	reader  sync.WaitGroup
	done    chan struct{}
	err     error

	mu      sync.Mutex // guards writes and fences
	fences  map[string]chan struct{}
	fenceNo int
	joined  chan struct{}
}

// Join enters the room with all of its history, and returns when it is in.
func Join(ctx context.Context, o Options) (*Observer, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("connect observer: %w", err)
	}
	ob := &Observer{
		options: o, conn: conn, done: make(chan struct{}),
		fences: map[string]chan struct{}{}, joined: make(chan struct{}),
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := ob.login(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("log observer in: %w", err)
	}
	ob.reader.Go(ob.read)
	select {
	case <-ob.joined:
		return ob, nil
	case <-ob.done:
		return nil, fmt.Errorf("join observer: %w", ob.err)
	}
}

// Done is closed when the observer has lost its seat.
func (ob *Observer) Done() <-chan struct{} { return ob.done }

// Close leaves at once.
func (ob *Observer) Close() {
	_ = ob.conn.Close()
	ob.reader.Wait()
}

// Fence returns when everything that the server sent to us before the call
// has been handed to OnMessage.
func (ob *Observer) Fence(ctx context.Context) error {
	ob.mu.Lock()
	ob.fenceNo++
	id := "fence-" + strconv.Itoa(ob.fenceNo)
	reached := make(chan struct{})
	ob.fences[id] = reached
	ob.mu.Unlock()
	if err := ob.write("<iq type='get' id='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", id, ob.options.Domain); err != nil {
		return err
	}
	select {
	case <-reached:
		return nil
	case <-ob.done:
		return fmt.Errorf("observer lost its seat: %w", ob.err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (ob *Observer) write(format string, args ...any) error {
	ob.mu.Lock()
	defer ob.mu.Unlock()
	_ = ob.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := fmt.Fprintf(ob.conn, format, args...)
	return err
}

// login goes from TCP to a sent join: STARTTLS, PLAIN, bind.
func (ob *Observer) login(ctx context.Context) error {
	if err := ob.open(); err != nil {
		return err
	}
	if err := ob.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "proceed"); err != nil {
		return err
	}
	secure := tls.Client(ob.conn, &tls.Config{ServerName: ob.options.Domain, RootCAs: ob.options.CA, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	ob.conn = secure
	if err := ob.open(); err != nil {
		return err
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + ob.options.User + "\x00" + ob.options.Password))
	if err := ob.ask("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"+plain+"</auth>", "success"); err != nil {
		return err
	}
	if err := ob.open(); err != nil {
		return err
	}
	if err := ob.ask("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "iq"); err != nil {
		return err
	}
	return ob.write("<presence/><presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'>"+
		"<history maxstanzas='100000'/></x></presence>", ob.options.Room, ob.options.Nick)
}

// open starts the stream and passes over the features.
func (ob *Observer) open() error {
	err := ob.write("<stream:stream to='%s' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", ob.options.Domain)
	if err != nil {
		return err
	}
	ob.decoder = xml.NewDecoder(ob.conn)
	if _, err := ob.next(); err != nil {
		return err
	}
	_, err = ob.element("features")
	return err
}

func (ob *Observer) ask(text, answer string) error {
	if err := ob.write("%s", text); err != nil {
		return err
	}
	_, err := ob.element(answer)
	return err
}

// next returns the next start tag.
func (ob *Observer) next() (xml.StartElement, error) {
	for {
		token, err := ob.decoder.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, io.EOF
		}
	}
}

// stanza is any element of the stream.
type stanza struct {
	ID    string    `xml:"id,attr"`
	From  string    `xml:"from,attr"`
	Type  string    `xml:"type,attr"`
	Body  *string   `xml:"jabber:client body"`
	Delay *struct{} `xml:"urn:xmpp:delay delay"`
	Error *struct {
		Inner string `xml:",innerxml"`
	} `xml:"error"`
	Status []struct {
		Code int `xml:"code,attr"`
	} `xml:"http://jabber.org/protocol/muc#user x>status"`
}

// element reads the next element, which must have that name.
func (ob *Observer) element(name string) (stanza, error) {
	start, err := ob.next()
	if err != nil {
		return stanza{}, err
	}
	var s stanza
	if err := ob.decoder.DecodeElement(&s, &start); err != nil {
		return s, err
	}
	if start.Name.Local != name {
		return s, fmt.Errorf("expected <%s>, got <%s>", name, start.Name.Local)
	}
	return s, nil
}

// read handles stanzas until the connection ends.
func (ob *Observer) read() {
	defer close(ob.done)
	for {
		start, err := ob.next()
		if err != nil {
			ob.err = err
			return
		}
		var s stanza
		if err := ob.decoder.DecodeElement(&s, &start); err != nil {
			ob.err = err
			return
		}
		if err := ob.handle(start.Name.Local, s); err != nil {
			ob.err = err
			_ = ob.conn.Close()
			return
		}
	}
}

func (ob *Observer) handle(kind string, s stanza) error {
	nick, inRoom := ob.nick(s.From)
	switch {
	case kind == "message" && s.Type == "groupchat" && inRoom && s.Body != nil:
		ob.options.OnMessage(Message{ID: s.ID, Nick: nick, Body: *s.Body, Delayed: s.Delay != nil})
	case kind == "presence" && nick == ob.options.Nick:
		return ob.presence(s)
	case kind == "iq" && s.ID == configureID:
		close(ob.joined) // the new room is open
	case kind == "iq" && (s.Type == "result" || s.Type == "error"):
		ob.reached(s.ID)
	case kind == "iq":
		return ob.write("<iq type='result' id='%s' to='%s'/>", s.ID, s.From)
	}
	return nil
}

func (ob *Observer) nick(from string) (string, bool) {
	room := ob.options.Room
	if len(from) > len(room) && from[:len(room)+1] == room+"/" {
		return from[len(room)+1:], true
	}
	return "", false
}

func (ob *Observer) reached(id string) {
	ob.mu.Lock()
	defer ob.mu.Unlock()
	if fence, ok := ob.fences[id]; ok {
		close(fence)
		delete(ob.fences, id)
	}
}

// presence is about our own seat.
func (ob *Observer) presence(s stanza) error {
	switch s.Type {
	case "error":
		return fmt.Errorf("refused: %s", s.Error.Inner)
	case "unavailable":
		return errors.New("put out of the room")
	}
	select {
	case <-ob.joined:
		return nil
	default:
	}
	for _, status := range s.Status {
		if status.Code == 201 {
			return ob.configure()
		}
	}
	close(ob.joined)
	return nil
}

const configureID = "configure"

// configure makes a new room persistent and opens it to others.
func (ob *Observer) configure() error {
	return ob.write("<iq type='set' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"+
		"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"+
		"<field var='muc#roomconfig_persistentroom'><value>1</value></field></x></query></iq>", configureID, ob.options.Room)
}
