//go:build real

package testbed_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// client is just enough XMPP to see that a server does what the package says.
type client struct {
	t       *testing.T
	account string
	conn    net.Conn
	got     string // received and not yet looked at
}

// login logs account in over direct TLS, with the CA that the server named.
func login(t *testing.T, x *testbed.XMPP, account string) *client {
	t.Helper()
	ca, err := os.ReadFile(x.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: x.Domain, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(t.Context(), "tcp", x.DirectTLSAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{t: t, account: account, conn: conn}
	c.open(x.Domain)
	features := c.until("</stream:features>")
	if x.String() != "jabberd2" && !strings.Contains(features, "SCRAM-SHA-1<") { // jabberd2 has no SCRAM
		t.Errorf("%v does not offer SCRAM-SHA-1: %s", x, features)
	}
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + account + "\x00" + testbed.Password(account)))
	c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + secret + "</auth>")
	c.until("<success")
	c.open(x.Domain)
	c.until("</stream:features>")
	c.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
	c.until("</bind>")
	c.send("<presence/>")
	return c
}

func (c *client) open(domain string) {
	c.send(fmt.Sprintf("<?xml version='1.0'?><stream:stream to='%s' version='1.0' "+
		"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", domain))
}

// join enters room and returns what the room said until it had told all. Not
// every server ends the history with a subject, but all keep the order.
func (c *client) join(room string) string {
	c.t.Helper()
	c.send(fmt.Sprintf("<presence to='%s/%s' id='join'>"+
		"<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='100'/></x></presence>"+
		"<iq to='%s' type='get' id='joined'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", room, c.account, room))
	return c.until("joined")
}

// keep makes room, which this client created, persistent.
func (c *client) keep(room string) {
	c.t.Helper()
	c.send(fmt.Sprintf("<iq to='%s' type='set' id='keep'><query xmlns='http://jabber.org/protocol/muc#owner'>"+
		"<x xmlns='jabber:x:data' type='submit'>"+
		"<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"+
		"<field var='muc#roomconfig_persistentroom'><value>1</value></field></x></query></iq>", room))
	if answer := c.until("keep"); strings.Contains(answer, "error") {
		c.t.Fatalf("room is not persistent: %s", answer)
	}
}

// say posts n messages of 200 bytes to room and waits till all are reflected.
func (c *client) say(room string, n int) {
	c.t.Helper()
	for i := range n {
		c.send(fmt.Sprintf("<message to='%s' type='groupchat' id='m%d'><body>%s</body></message>",
			room, i, strings.Repeat("x", 200)))
	}
	for range n {
		c.until("</body>")
	}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// until returns what the server sends up to and with mark.
func (c *client) until(mark string) string {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		c.t.Fatal(err)
	}
	buffer := make([]byte, 64<<10)
	for {
		if before, after, found := strings.Cut(c.got, mark); found {
			c.got = after
			return before + mark
		}
		n, err := c.conn.Read(buffer)
		if err != nil {
			c.t.Fatalf("no %s: %v, but %q", mark, err, c.got)
		}
		c.got += string(buffer[:n])
	}
}

// archived tells whether the room offers an archive.
func (c *client) archived(room string) bool {
	c.t.Helper()
	c.send(fmt.Sprintf("<iq to='%s' type='get' id='disco'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", room))
	return strings.Contains(c.until("</query>"), "urn:xmpp:mam:2")
}
