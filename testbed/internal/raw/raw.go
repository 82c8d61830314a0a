// Package raw is a plain XMPP client for tests. It shares no code with the
// client under test, and it is simple rather than fast.
package raw

import (
	"context"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Account says who logs in, and where.
type Account struct {
	Addr           string // STARTTLS, host:port
	Domain         string
	User, Password string
	Resource       string // "": as the server likes
	CA             *x509.CertPool
}

// Stanza is an element of the stream.
type Stanza struct {
	Kind, ID, From, Type string `xml:"-"` // Kind is "message", "presence" or "iq"

	Body  *string   `xml:"jabber:client body"`
	Delay *struct{} `xml:"urn:xmpp:delay delay"`
	// Archived is a message of an archive (XEP-0313).
	Archived *struct {
		Forwarded struct {
			Message struct {
				Attrs []xml.Attr `xml:",any,attr"`
				Body  *string    `xml:"jabber:client body"`
				Inner string     `xml:",innerxml"`
			} `xml:"jabber:client message"`
		} `xml:"urn:xmpp:forward:0 forwarded"`
	} `xml:"urn:xmpp:mam:2 result"`
	Error *struct {
		Inner string `xml:",innerxml"`
	} `xml:"error"`
	Status []struct {
		Code int `xml:"code,attr"`
	} `xml:"x>status"` // in whatever namespace: that of Vysper is wrong
	Inner string `xml:",innerxml"`
}

// Has tells whether a room's presence carries the status code.
func (s *Stanza) Has(code int) bool {
	for _, status := range s.Status {
		if status.Code == code {
			return true
		}
	}
	return false
}

// Client is a connection that is logged in.
type Client struct {
	account Account
	conn    net.Conn
	decoder *xml.Decoder
	handle  func(Stanza) error
	reader  sync.WaitGroup
	done    chan struct{}
	err     error // why done is closed

	writing sync.Mutex
	mu      sync.Mutex // guards what follows
	asked   map[string]chan Stanza
	count   int
}

const (
	loginLimit = 10 * time.Second
	loginTries = 5
	loginPause = 500 * time.Millisecond
)

// Dial logs in and announces presence. From then on handle gets every stanza
// in order, from one goroutine, except the answers to Ask; an error of its
// ends the connection. It may write, but not ask.
//
// jabberd2 refuses every sixth login or so that comes right after a logout
// (internal-server-error), so there are some attempts.
func Dial(ctx context.Context, a Account, handle func(Stanza) error) (*Client, error) {
	var err error
	for range loginTries {
		var c *Client
		if c, err = dial(ctx, a, handle); err == nil {
			c.reader.Go(c.read)
			return c, c.Write("<presence/>")
		}
		if !strings.Contains(err.Error(), "internal-server-error") {
			break
		}
		select {
		case <-time.After(loginPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("log %s in: %w", a.User, err)
}

// Login logs in and returns the connection, on which nothing is read any more.
func Login(ctx context.Context, a Account) (net.Conn, error) {
	c, err := dial(ctx, a, nil)
	if err != nil {
		return nil, fmt.Errorf("log %s in: %w", a.User, err)
	}
	return c.conn, c.conn.SetDeadline(time.Time{})
}

func dial(ctx context.Context, a Account, handle func(Stanza) error) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", a.Addr)
	if err != nil {
		return nil, err
	}
	c := &Client{account: a, conn: conn, handle: handle, done: make(chan struct{}), asked: map[string]chan Stanza{}}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := c.login(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err says why the connection has ended, once Done is closed.
func (c *Client) Err() error { return c.err }

// Close ends the connection at once, without a word.
func (c *Client) Close() {
	_ = c.conn.Close()
	c.reader.Wait()
}

// Write sends text as it is.
func (c *Client) Write(text string) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := io.WriteString(c.conn, text)
	return err
}

// Ask sends an IQ of the type get or set, and returns what its result holds.
func (c *Client) Ask(ctx context.Context, to, kind, payload string) (string, error) {
	c.mu.Lock()
	c.count++
	id := "ask-" + strconv.Itoa(c.count)
	answer := make(chan Stanza, 1)
	c.asked[id] = answer
	c.mu.Unlock()
	if err := c.Write(fmt.Sprintf("<iq type='%s' id='%s' to='%s'>%s</iq>", kind, id, Escape(to), payload)); err != nil {
		return "", err
	}
	select {
	case s := <-answer:
		if s.Type == "error" {
			return "", fmt.Errorf("refused by %s: %w", to, s.Refusal())
		}
		return s.Inner, nil
	case <-c.done:
		return "", fmt.Errorf("connection lost: %w", c.err)
	case <-ctx.Done():
		return "", fmt.Errorf("no answer of %s: %w", to, ctx.Err())
	}
}

// Ping asks the server for an answer: it comes after everything that the
// server sent before.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Ask(ctx, c.account.Domain, "get", "<ping xmlns='urn:xmpp:ping'/>")
	return err
}

// Refusal is the error in a stanza of that type.
func (s *Stanza) Refusal() error {
	if s.Error == nil {
		return errors.New("an error without a reason")
	}
	return errors.New(s.Error.Inner)
}

// Escape makes text fit for content and for attributes.
func Escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder never fails
	return b.String()
}

// read handles stanzas until the connection ends.
func (c *Client) read() {
	defer close(c.done)
	for c.err == nil {
		s, err := c.next()
		if err != nil {
			c.err = err
		} else {
			c.err = c.dispatch(s)
		}
	}
	_ = c.conn.Close()
}

func (c *Client) dispatch(s Stanza) error {
	if s.Kind != "iq" {
		return c.handle(s)
	}
	if s.Type == "get" || s.Type == "set" {
		return c.Write(fmt.Sprintf("<iq type='result' id='%s' to='%s'/>", Escape(s.ID), Escape(s.From)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, ok := c.asked[s.ID]; ok {
		delete(c.asked, s.ID)
		answer <- s
	}
	return nil
}
