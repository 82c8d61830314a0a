package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/proxy"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// echo starts a server that says every line back.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at the end
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err == nil {
				_, _ = conn.Write([]byte(line))
			}
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// nobody is an address on which nobody listens.
const nobody = "127.0.0.1:1"

// started returns the address of a real proxy, which runs until the end of the test.
func started(t *testing.T, tunnel *testbed.Tunnel, err error) string {
	t.Helper()
	if missing, ok := errors.AsType[*testbed.Missing](err); ok && os.Getenv("CI") != "true" {
		t.Skip("not run, because ", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tunnel.Kill() })
	return tunnel.Addr
}

func socksProxy(t *testing.T) string {
	t.Helper()
	tunnel, err := testbed.SOCKS(t.Context(), testbed.Options{Dir: t.TempDir()}, "alice", "s3cr:t")
	return started(t, tunnel, err)
}

func httpProxy(t *testing.T) string {
	t.Helper()
	tunnel, err := testbed.HTTPProxy(t.Context(), testbed.Options{Dir: t.TempDir()}, "alice", "s3cret")
	return started(t, tunnel, err)
}

// says connects to addr through dial and returns what comes back of a line.
func says(t *testing.T, dial proxy.Dial, addr string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

func TestRealProxiesOpenTunnels(t *testing.T) {
	target := echo(t)
	for name, address := range map[string]string{
		"socks5":  "socks5://alice:s3cr%3At@" + socksProxy(t),
		"socks5h": "socks5h://alice:s3cr%3At@" + socksProxy(t),
		"http":    "http://alice:s3cret@" + httpProxy(t),
	} {
		dial, err := proxy.New(address)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := says(t, dial, target); got != "hello\n" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestRefusalsAreSaidWithoutThePassword(t *testing.T) {
	target := echo(t)
	for address, want := range map[string]string{
		"socks5://alice:wr0ng@" + socksProxy(t): "username/password authentication failed",
		"http://alice:wr0ng@" + httpProxy(t):    "it answers 401",
		"http://alice:wr0ng@" + nobody:          "connection refused",
	} {
		dial, err := proxy.New(address)
		if err != nil {
			t.Fatal(err)
		}
		_, err = says(t, dial, target)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("want %s: %v", want, err)
		}
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, address := range []string{
		"proxy.example.org:1080", "ftp://alice:wr0ng@proxy", "http://", "socks5://alice:wr0ng%zz@proxy", "socks4://proxy",
	} {
		if _, err := proxy.New(address); err == nil || !strings.Contains(err.Error(), "socks5://HOST:PORT") || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTheEnvironmentNamesAProxyAndExceptions(t *testing.T) {
	target := echo(t)
	for _, name := range []string{"ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
	if dial, err := proxy.FromEnvironment(); dial != nil || err != nil {
		t.Errorf("without ALL_PROXY there is one: %v", err)
	}
	t.Setenv("ALL_PROXY", "http://"+nobody) // where nobody is
	dial, err := proxy.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := says(t, dial, target); err == nil || !strings.Contains(err.Error(), "connect to the proxy") {
		t.Errorf("ALL_PROXY is not asked: %v", err)
	}
	t.Setenv("no_proxy", "127.0.0.0/8")
	if dial, err = proxy.FromEnvironment(); err != nil {
		t.Fatal(err)
	}
	if got, err := says(t, dial, target); got != "hello\n" || err != nil {
		t.Errorf("an exception: %q, %v", got, err)
	}
}

// What a hostile or broken proxy sends has an end, and so has the wait for it.
func TestAnswersAreBounded(t *testing.T) {
	for name, answer := range map[string]string{
		"endless header": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10),
		"more than that": "HTTP/1.1 200 OK\r\n\r\n<stream>",
		"no answer":      "SSH-2.0-OpenSSH\r\n",
	} {
		dial, err := proxy.New("http://" + answering(t, answer))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := says(t, dial, "xmpp.example.org:5222"); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	dial, err := proxy.New("http://" + answering(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dial(ctx, "tcp", "xmpp.example.org:5222"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
}

// answering starts a proxy that says this and then nothing.
func answering(t *testing.T, text string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at the end
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte(text))
		<-t.Context().Done()
		_ = conn.Close()
	}()
	return listener.Addr().String()
}
