//go:build real && linux

package bench_test

import (
	"bufio"
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
	conn net.Conn
	read *bufio.Reader
}

const bodyEnd = "</body>"

func roomOf(x *testbed.XMPP) string { return "bench@" + x.MUC }

// join logs in and enters the room, without its history.
func join(ctx context.Context, x *testbed.XMPP, account, nick string) (*client, error) {
	conn, err := owner.Connect(ctx, x, account)
	if err != nil {
		return nil, err
	}
	c := &client{conn, bufio.NewReaderSize(conn, 64<<10)}
	_, err = fmt.Fprintf(conn, "<presence/><presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>", roomOf(x), nick)
	if err == nil {
		err = conn.SetReadDeadline(time.Now().Add(patience))
	}
	if err == nil {
		_, err = c.until("code='110'")
	}
	if err == nil {
		_, err = c.until("</presence>")
	}
	return c, err
}

// observe enters the room as somebody else, until the end of the part.
func (b *bed) observe(x *testbed.XMPP) *client {
	c, err := join(b.Context(), x, "observer", name("observer"))
	must(b, err)
	b.Cleanup(c.close)
	return c
}

func (c *client) close() { _ = c.conn.Close() }

// until reads until a tag that has mark has come, and returns what came up to its end.
func (c *client) until(mark string) (text []byte, err error) {
	for {
		more, err := c.read.ReadSlice('>')
		if text = append(text, more...); err != nil {
			return nil, fmt.Errorf("no %s: %w, after %.500q", mark, err, text)
		}
		if bytes.Contains(more, []byte(mark)) {
			return text, nil
		}
	}
}

// await reads until n messages have been shown.
func (c *client) await(t testing.TB, n int) {
	for i := range n {
		if _, err := c.until(bodyEnd); err != nil {
			t.Fatalf("observer, after %d of %d messages: %v", i, n, err)
		}
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
