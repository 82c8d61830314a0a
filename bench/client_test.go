//go:build real && linux

package bench_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// client is the least that can post to a room: it knows messages by the end of
// their text. It shares no code with the worker.
type client struct {
	conn  net.Conn
	buf   []byte
	ahead []byte // what until has read beyond its mark
	tail  []byte // of what was read before, where a mark may have begun
}

const bodyEnd = "</body>"

func roomOf(x *testbed.XMPP) string { return "bench@" + x.MUC }

// join logs in and enters the room, without its history.
func join(ctx context.Context, x *testbed.XMPP, account, nick string) (*client, error) {
	conn, err := owner.Connect(ctx, x, account)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, buf: make([]byte, 64<<10)}
	_, err = fmt.Fprintf(conn, "<presence/><presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>", roomOf(x), nick)
	if err == nil {
		err = conn.SetReadDeadline(time.Now().Add(patience))
	}
	if err == nil {
		_, err = c.until("code='110'")
	}
	return c, err
}

// observe enters the room as somebody else, until the end of the part.
func (b *bed) observe(x *testbed.XMPP) *client {
	b.Helper()
	c, err := join(b.Context(), x, "observer", name("observer"))
	must(b, err)
	b.Cleanup(c.close)
	return c
}

func (c *client) close() { _ = c.conn.Close() }

// until reads until mark has come, and returns what came up to its end.
func (c *client) until(mark string) (string, error) {
	for from := 0; ; {
		if at := bytes.Index(c.ahead[from:], []byte(mark)); at >= 0 {
			end := from + at + len(mark)
			text := string(c.ahead[:end])
			c.ahead = c.ahead[end:]
			return text, nil
		}
		from = max(0, len(c.ahead)-len(mark))
		n, err := c.conn.Read(c.buf)
		if err != nil {
			return "", fmt.Errorf("no %s: %w, after %.500q", mark, err, c.ahead)
		}
		c.ahead = append(c.ahead, c.buf[:n]...)
	}
}

// prompt makes the kernel acknowledge at once what comes next. The observer
// never writes, so its acknowledgements would be delayed by 40 ms, and a server
// that leaves Nagle's algorithm on would wait for them.
func (c *client) prompt(t testing.TB) {
	tcp, err := c.conn.(*tls.Conn).NetConn().(*net.TCPConn).SyscallConn() // as it was dialled
	must(t, err)
	must(t, tcp.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) // a favour
	}))
}

// messages reads once, and returns how many messages ended in what came.
func (c *client) messages() (int, error) {
	kept := copy(c.buf, c.tail)
	n, err := c.conn.Read(c.buf[kept:])
	text := c.buf[:kept+n]
	c.tail = append(c.tail[:0], text[max(0, len(text)-len(bodyEnd)+1):]...)
	return bytes.Count(text, []byte(bodyEnd)), err
}

// await reads until n messages have been shown, after some, and returns how many
// there are.
func (c *client) await(t testing.TB, shown, n int) int {
	for shown < n {
		more, err := c.messages()
		if err != nil {
			t.Fatalf("observer, after %d of %d messages: %v", shown, n, err)
		}
		shown += more
	}
	return shown
}
