package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed/proxy"
)

// echo answers lines, and tells of connections that have ended.
func echo(t *testing.T) (addr string, ended <-chan error) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	ends := make(chan error, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, err := io.Copy(conn, conn)
				_ = conn.Close()
				ends <- err
			}()
		}
	}()
	return listener.Addr().String(), ends
}

type client struct {
	net.Conn
	t *testing.T
}

func setUp(t *testing.T) (*proxy.Proxy, client, <-chan error) {
	t.Helper()
	addr, ended := echo(t)
	p, err := proxy.New(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	c := dial(t, p)
	c.talks()
	return p, c, ended
}

func dial(t *testing.T, p *proxy.Proxy) client {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return client{conn, t}
}

// talks checks that a line comes back.
func (c client) talks() {
	c.t.Helper()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		c.t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "hello\n" {
		c.t.Fatalf("got %q, %v", line, err)
	}
}

// ends returns how the connection ends.
func (c client) ends() error {
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, err := c.Read(make([]byte, 1))
	return err
}

func TestReset(t *testing.T) {
	p, c, ended := setUp(t)
	p.Reset()
	if err := c.ends(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v", err)
	}
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server sees %v", err)
	}
	dial(t, p).talks()
	if p.Connections() != 2 {
		t.Errorf("%d connections", p.Connections())
	}
}

func TestCutClientsLeavesAGhost(t *testing.T) {
	p, c, ended := setUp(t)
	p.CutClients()
	if err := c.ends(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v", err)
	}
	dial(t, p).talks()
	select {
	case err := <-ended:
		t.Errorf("the server noticed: %v", err)
	default:
	}
	p.Reset()
	t.Log("the server sees:", <-ended)
}

func TestBlackholeAndHeal(t *testing.T) {
	p, c, _ := setUp(t)
	p.Blackhole()
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	p.Heal()
	if err := c.ends(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v", err)
	}
	dial(t, p).talks()
}

func TestRefuse(t *testing.T) {
	p, c, _ := setUp(t)
	p.Refuse(true)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
	if err == nil { // the reset may be that fast
		err = client{conn, t}.ends()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v", err)
	}
	c.talks()
	p.Refuse(false)
	dial(t, p).talks()
}

func TestGoodbyeIsPassedOn(t *testing.T) {
	_, c, ended := setUp(t)
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server sees %v", err)
	}
	if err := c.ends(); !errors.Is(err, io.EOF) {
		t.Errorf("the client sees %v", err)
	}
}
