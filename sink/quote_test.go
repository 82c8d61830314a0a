package sink_test

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// What the room says while we wait is for a person to read.
func TestWhatTheRoomSaysInsteadOfAnAnswerIsQuoted(t *testing.T) {
	for name, c := range map[string]struct{ inner, want string }{
		"captcha": {
			"<body>Your messages to alerts are being blocked. Visit http://captcha.example/1</body><captcha xmlns='urn:xmpp:captcha'/>",
			"the room asks for a captcha (XEP-0158): \\\"Your messages to alerts are being blocked. Visit http://captcha.example/1\\\": make the account of XMPP_JID a member",
		},
		"long":    {"<body>" + strings.Repeat("ü", 400) + "</body>", "the room says: \\\"" + strings.Repeat("ü", 150) + "\\\""},
		"odd":     {"<body>" + "x" + strings.Repeat("ü", 400) + "</body>", "the room says: \\\"x" + strings.Repeat("ü", 149) + "\\\""},
		"gateway": {"<body>You must\nregister first.</body>", "the room says: \\\"You must register first.\\\""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wires := &pipes{conns: make(chan net.Conn, 10)}
				srv := startServer(t, sinktest.Config{Listen: wires.listen})
				srv.AnswerJoins(c.inner)
				room := openRoomBy(t, settings(t, srv), wires.dial)
				room.logged(c.want)
				room.logged("XMPP_CONNECT_TIMEOUT=10s")
				srv.AnswerJoins("")
				room.post(0, 1)
				room.delivered(1)
				room.stop()
				srv.Close()
			})
		})
	}
}

func TestARoomThatAnswersNoRequestIsNoObstacle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wires := &pipes{conns: make(chan net.Conn, 10)}
		srv := startServer(t, sinktest.Config{Profile: sinktest.Profile{MuteRoom: true}, Listen: wires.listen})
		c := openRoomBy(t, settings(t, srv), wires.dial)
		c.post(0, 5)
		c.delivered(5)
		<-time.After(time.Hour) // of the bubble: much longer than it takes to find a dead connection
		c.post(5, 10)
		c.delivered(10)
		if joins := len(srv.Joins()); joins != 1 {
			t.Errorf("there were %d joins", joins)
		}
		c.stop()
		srv.Close()
	})
}

// pipes is a network in memory with one server, whose first port is the one to dial.
type pipes struct {
	conns chan net.Conn
	used  bool
}

func (p *pipes) listen(addr string) (net.Listener, error) {
	l := &pipeListener{addr: strings.Replace(addr, ":0", ":5222", 1), closed: make(chan struct{})}
	if !p.used {
		p.used, l.conns = true, p.conns
	}
	return l, nil
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

type pipeListener struct {
	conns  chan net.Conn // nil: nobody comes
	addr   string
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr(l.addr) }

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

// TestAServerMaySendUsToAnother: see-other-host (RFC 6120, 4.9.3.19) is followed, and
// not for ever.
func TestAServerMaySendUsToAnother(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	cfg := settings(t, srv)
	cfg.Addr = elsewhere(t, func(string) string { return srv.Addr() })
	c := openRoom(t, cfg)
	c.post(0, 3)
	c.delivered(3)
	c.stop()
	cfg.Addr = elsewhere(t, func(own string) string { return own })
	c = openRoom(t, cfg)
	c.logged("sent from one host to the next 3 times")
	c.stop()
	cfg.Addr = elsewhere(t, func(string) string { return "127.0.0.1:1" })
	openRoom(t, cfg).logged("sent to 127.0.0.1:1 by the server: connect to 127.0.0.1:1")
}

// elsewhere starts a server that sends everybody to the address that to returns,
// which is given its own.
func elsewhere(t *testing.T, to func(own string) string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at the end
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	own := listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			header, _ := bufio.NewReader(conn).ReadString('>')
			if strings.Contains(header, "<") {
				_, _ = conn.Write([]byte("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1'>" +
					"<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>" + to(own) + "</see-other-host></stream:error></stream:stream>"))
			}
			_ = conn.Close()
		}
	}()
	return own
}
