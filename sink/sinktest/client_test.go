package sinktest_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

const patience = time.Minute

// stanza is whatever a server sends, as far as the tests look at it.
type stanza struct {
	XMLName xml.Name
	Type    string  `xml:"type,attr"`
	ID      string  `xml:"id,attr"`
	From    string  `xml:"from,attr"`
	To      string  `xml:"to,attr"`
	Text    string  `xml:",chardata"`
	Body    *string `xml:"body"`
	Subject *string `xml:"subject"`
	Delay   *struct {
		From  string `xml:"from,attr"`
		Stamp string `xml:"stamp,attr"`
	} `xml:"urn:xmpp:delay delay"`
	User struct {
		Item struct {
			Role        string `xml:"role,attr"`
			Affiliation string `xml:"affiliation,attr"`
			Nick        string `xml:"nick,attr"`
		} `xml:"item"`
		Status []struct {
			Code string `xml:"code,attr"`
		} `xml:"status"`
	} `xml:"http://jabber.org/protocol/muc#user x"`
	JID   string `xml:"bind>jid"`
	Inner string `xml:",innerxml"`
}

func (s stanza) has(code string) bool {
	for _, c := range s.User.Status {
		if c.Code == code {
			return true
		}
	}
	return false
}

func (s stanza) body() string {
	if s.Body == nil {
		return ""
	}
	return *s.Body
}

// account says how a client logs in.
type account struct {
	user, password, resource, mechanism string
	direct                              bool
	stops                               bool // stops reading at the first stanza that nobody takes
}

func notifier() account {
	return account{user: "notifier", password: "notifier" + "-pw", mechanism: "PLAIN"}
}

func observer() account {
	return account{user: "observer", password: "observer-pw", mechanism: "PLAIN"}
}

// client is a tiny XMPP client that does as it is told.
type client struct {
	t    *testing.T
	srv  *sinktest.Server
	tcp  net.Conn
	conn net.Conn
	dec  *xml.Decoder
	jid  string
	in   chan stanza // closed when the stream has ended
}

// dial connects as far as the first stream features.
func dial(t *testing.T, srv *sinktest.Server) (*client, stanza) {
	t.Helper()
	c := newClient(t, srv, connect(t, srv.Addr()))
	return c, c.open(srv.Domain())
}

// connect opens a TCP connection that the end of the test closes.
func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func newClient(t *testing.T, srv *sinktest.Server, conn net.Conn) *client {
	t.Helper()
	c := &client{t: t, srv: srv, tcp: conn, conn: conn, in: make(chan stanza, 100_000)}
	_ = conn.SetDeadline(time.Now().Add(patience))
	return c
}

// open starts a stream and returns its features, or the stream error.
func (c *client) open(domain string) stanza {
	c.t.Helper()
	c.dec = xml.NewDecoder(c.conn)
	c.send("<?xml version='1.0'?><stream:stream to='" + domain + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
	for {
		tok, err := c.dec.Token()
		if err != nil {
			c.t.Fatalf("open stream: %v", err)
		}
		if _, ok := tok.(xml.StartElement); ok {
			return c.read()
		}
	}
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	if _, err := io.WriteString(c.conn, format); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// read is for the negotiation; afterwards a goroutine reads.
func (c *client) read() stanza {
	c.t.Helper()
	s, err := c.decode()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return s
}

func (c *client) decode() (stanza, error) {
	for {
		tok, err := c.dec.Token()
		if err != nil {
			return stanza{}, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			var s stanza
			return s, c.dec.DecodeElement(&s, &t)
		case xml.EndElement:
			return stanza{}, io.EOF
		}
	}
}

func (c *client) startTLS() {
	c.t.Helper()
	c.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	if got := c.read(); got.XMLName.Local != "proceed" {
		c.t.Fatalf("starttls: got %s", got.XMLName.Local)
	}
	c.secure()
}

func (c *client) secure() {
	c.t.Helper()
	conn := tls.Client(c.tcp, &tls.Config{
		RootCAs: c.srv.CertPool(), ServerName: c.srv.Domain(), MinVersion: tls.VersionTLS12, NextProtos: []string{"xmpp-client"},
	})
	if err := conn.HandshakeContext(c.t.Context()); err != nil {
		c.t.Fatalf("handshake: %v", err)
	}
	c.conn = conn
}

// auth does one login and returns the last answer.
func (c *client) auth(a account) stanza {
	c.t.Helper()
	if a.mechanism == "PLAIN" {
		return c.exchange("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", "\x00"+a.user+"\x00"+a.password)
	}
	conv := c.conversation(a)
	first, err := conv.Step("")
	if err != nil {
		c.t.Fatal(err)
	}
	answer := c.exchange("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='"+a.mechanism+"'>%s</auth>", first)
	if answer.XMLName.Local != "challenge" {
		return answer
	}
	response, err := conv.Step(plain(c.t, answer.Text))
	if err != nil {
		c.t.Fatalf("challenge %s: %v", plain(c.t, answer.Text), err)
	}
	answer = c.exchange("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</response>", response)
	if answer.XMLName.Local == "success" {
		if _, err := conv.Step(plain(c.t, answer.Text)); err != nil || !conv.Valid() {
			c.t.Fatalf("the server's signature is wrong: %v", err)
		}
	}
	return answer
}

func (c *client) conversation(a account) *scram.ClientConversation {
	c.t.Helper()
	base, plus := strings.CutSuffix(a.mechanism, "-PLUS")
	hash := map[string]scram.HashGeneratorFcn{"SCRAM-SHA-1": scram.SHA1, "SCRAM-SHA-256": scram.SHA256, "SCRAM-SHA-512": scram.SHA512}[base]
	sc, err := hash.NewClient(a.user, a.password, "")
	if err != nil {
		c.t.Fatal(err)
	}
	if !plus {
		return sc.NewConversation()
	}
	state := c.conn.(*tls.Conn).ConnectionState()
	binding, err := scram.NewTLSExporterBinding(&state)
	if err != nil {
		c.t.Fatal(err)
	}
	return sc.NewConversationWithChannelBinding(binding)
}

func (c *client) exchange(format, payload string) stanza {
	c.t.Helper()
	c.send(format, base64.StdEncoding.EncodeToString([]byte(payload)))
	return c.read()
}

func plain(t *testing.T, data string) string {
	t.Helper()
	out, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// login is everything up to the bound resource, and the initial presence.
func login(t *testing.T, srv *sinktest.Server, a account) *client {
	t.Helper()
	var c *client
	if a.direct {
		c = newClient(t, srv, connect(t, srv.DirectTLSAddr()))
		c.secure()
	} else {
		c, _ = dial(t, srv)
		c.startTLS()
	}
	c.open(srv.Domain())
	if got := c.auth(a); got.XMLName.Local != "success" {
		t.Fatalf("login of %s: %s %s", a.user, got.XMLName.Local, got.Inner)
	}
	c.open(srv.Domain())
	resource := ""
	if a.resource != "" {
		resource = "<resource>" + a.resource + "</resource>"
	}
	c.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>%s</bind></iq>", resource)
	bound := c.read()
	if c.jid = bound.JID; c.jid == "" {
		t.Fatalf("bind: %s", bound.Inner)
	}
	_ = c.tcp.SetDeadline(time.Time{})
	if a.stops {
		c.in = make(chan stanza)
	}
	go c.pump() // ends with the connection, which is closed by a cleanup
	return c
}

func (c *client) pump() {
	defer close(c.in)
	for {
		s, err := c.decode()
		if err != nil {
			return
		}
		select {
		case c.in <- s:
		case <-c.t.Context().Done():
			return
		}
	}
}

// until returns the first stanza that matches, and fails if the stream ends before.
func (c *client) until(what string, match func(stanza) bool) stanza {
	c.t.Helper()
	timeout := time.After(patience)
	var seen []string
	for {
		select {
		case s, ok := <-c.in:
			if !ok {
				c.t.Fatalf("the stream ended before %s; seen: %q", what, seen)
			}
			if match(s) {
				return s
			}
			seen = append(seen, s.XMLName.Local+" "+s.Type+" "+s.From+" "+s.ID+" "+s.Inner)
		case <-timeout:
			c.t.Fatalf("no %s; seen: %q", what, seen)
		}
	}
}

// ended waits for the end of the stream and returns what came before it.
func (c *client) ended() []stanza {
	c.t.Helper()
	var seen []stanza
	timeout := time.After(patience)
	for {
		select {
		case s, ok := <-c.in:
			if !ok {
				return seen
			}
			seen = append(seen, s)
		case <-timeout:
			c.t.Fatalf("the stream goes on; seen: %v", seen)
		}
	}
}

// ping proves that all that was sent before has been handled, and returns what came meanwhile.
func (c *client) ping() []stanza {
	c.t.Helper()
	id := "ping-" + time.Now().Format("150405.000000000")
	c.send("<iq type='get' id='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", id, c.srv.Domain())
	var seen []stanza
	c.until("pong", func(s stanza) bool {
		if s.ID == id {
			return s.Type == "result"
		}
		seen = append(seen, s)
		return false
	})
	return seen
}

// ask joins; inside may hold a history or a password.
func (c *client) ask(nick, inside string) {
	c.t.Helper()
	c.send("<presence id='join' to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'>%s</x></presence>", c.srv.RoomJID(), nick, inside)
}

// join joins without history and returns the self-presence.
func (c *client) join(nick string) stanza {
	c.t.Helper()
	c.ask(nick, "<history maxstanzas='0'/>")
	self := c.until("self-presence", func(s stanza) bool { return s.XMLName.Local == "presence" && s.has("110") })
	c.until("subject", func(s stanza) bool { return s.Subject != nil })
	return self
}

// refused joins and returns the condition of the error.
func (c *client) refused(nick, inside string) stanza {
	c.t.Helper()
	c.ask(nick, inside)
	return c.until("join error", func(s stanza) bool { return s.XMLName.Local == "presence" && s.Type == "error" })
}

func (c *client) say(id, body string) {
	c.t.Helper()
	c.send("<message type='groupchat' id='%s' to='%s'><body>%s</body></message>", id, c.srv.RoomJID(), body)
}

// heard waits for the message with that id from that nickname.
func (c *client) heard(nick, id string) stanza {
	c.t.Helper()
	return c.until("message "+id, func(s stanza) bool {
		return s.XMLName.Local == "message" && s.Type == "groupchat" && s.From == c.srv.RoomJID()+"/"+nick && s.ID == id
	})
}

// bounced waits for the error to the message with that id.
func (c *client) bounced(id string) stanza {
	c.t.Helper()
	return c.until("bounce of "+id, func(s stanza) bool { return s.XMLName.Local == "message" && s.Type == "error" && s.ID == id })
}

func start(t *testing.T, cfg sinktest.Config) *sinktest.Server {
	t.Helper()
	srv, err := sinktest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv
}

// inside is a client that has joined.
func inside(t *testing.T, srv *sinktest.Server, a account, nick string) *client {
	t.Helper()
	c := login(t, srv, a)
	c.join(nick)
	return c
}

func bodies(posts []sinktest.Post) []string {
	var out []string
	for _, p := range posts {
		out = append(out, p.Body)
	}
	return out
}

func wantEqual[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}
