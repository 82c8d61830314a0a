//go:build real && linux

package bench_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// place is a room on a server, and how to get there.
type place struct {
	Addr, Domain, CAFile, Room string
}

func (p place) roots() (*x509.CertPool, error) {
	pem, err := os.ReadFile(p.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return roots, nil
}

// client is the least that can post to a room: it knows its echoes by their
// last tag. It shares no code with the worker.
type client struct {
	conn    net.Conn
	control func(func(fd uintptr)) error // of the TCP connection
	buf     []byte
	tail    []byte // of what was read before, where the mark may have begun
	mark    []byte // how a message ends that counts
	place   place
}

// dial logs in and joins the room, without its history.
func dial(ctx context.Context, p place, user, nick string) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Addr)
	if err != nil {
		return nil, err
	}
	tcp, err := conn.(*net.TCPConn).SyscallConn() // it was dialled as such
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, control: tcp.Control, buf: make([]byte, 64<<10), mark: []byte("</body>"), place: p}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if err := c.login(ctx, user); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("log %s in: %w", user, err)
	}
	if err := c.ask("<presence/><presence to='"+p.Room+"/"+nick+"'><x xmlns='http://jabber.org/protocol/muc'>"+
		"<history maxstanzas='0'/></x></presence>", "code='110'"); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("join %s: %w", p.Room, err)
	}
	return c, conn.SetDeadline(time.Time{})
}

func (c *client) login(ctx context.Context, user string) error {
	roots, err := c.place.roots()
	if err != nil {
		return err
	}
	open := "<stream:stream to='" + c.place.Domain + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	if err := c.ask(open, "</stream:features>"); err != nil {
		return err
	}
	if err := c.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed"); err != nil {
		return err
	}
	secure := tls.Client(c.conn, &tls.Config{ServerName: c.place.Domain, RootCAs: roots, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	c.conn = secure
	if err := c.ask(open, "</stream:features>"); err != nil {
		return err
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + user + "-pw"))
	if err := c.ask("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"+plain+"</auth>", "<success"); err != nil {
		return err
	}
	if err := c.ask(open, "</stream:features>"); err != nil {
		return err
	}
	return c.ask("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</bind>")
}

// ask writes text and reads until the answer holds mark.
func (c *client) ask(text, mark string) error {
	if _, err := c.conn.Write([]byte(text)); err != nil {
		return err
	}
	var got strings.Builder
	for !strings.Contains(got.String(), mark) {
		n, err := c.conn.Read(c.buf)
		if err != nil {
			return fmt.Errorf("no %s: %w, after %.500q", mark, err, got.String())
		}
		got.Write(c.buf[:n])
	}
	return nil
}

// prompt makes the kernel acknowledge at once what comes next. The observer
// never writes, so its acknowledgements would be delayed by 40 ms, and a server
// that leaves Nagle's algorithm on would wait for them.
func (c *client) prompt() error {
	return c.control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) // a favour
	})
}

// echoes reads once, and returns how many messages ended in what came.
func (c *client) echoes() (int, error) {
	kept := copy(c.buf, c.tail)
	n, err := c.conn.Read(c.buf[kept:])
	if err != nil {
		return 0, err
	}
	text := c.buf[:kept+n]
	c.tail = append(c.tail[:0], text[max(0, len(text)-len(c.mark)+1):]...)
	return bytes.Count(text, c.mark), nil
}

// await reads until n messages have been shown, after some, and returns how many
// there are.
func (c *client) await(shown, n int) (int, error) {
	for shown < n {
		back, err := c.echoes()
		if err != nil {
			return shown, fmt.Errorf("observer, after %d of %d messages: %w", shown, n, err)
		}
		shown += back
	}
	return shown, nil
}
