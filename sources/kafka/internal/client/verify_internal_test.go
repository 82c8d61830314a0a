package client

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// Every way in which the library connects for us verifies who answers: the
// group's, and that of fetches, metadata, offsets and dead letters.
func TestEveryConnectionIsVerified(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"ours", "other"} {
		ca, err := testbed.NewCA()
		if err != nil {
			t.Fatal(err)
		}
		if err := ca.Issue(filepath.Join(dir, name), "127.0.0.1"); err != nil {
			t.Fatal(err)
		}
	}
	port := serveTLS(t, filepath.Join(dir, "ours"))
	for _, test := range []struct{ ca, host, want string }{
		{"ours", "127.0.0.1", ""},
		{"other", "127.0.0.1", "unknown authority"},
		{"ours", "localhost", "match localhost"},
	} {
		c, err := New(Config{
			Brokers: []string{"127.0.0.1:1"}, Topics: []string{"alerts"}, GroupID: "g", DLQSuffix: ".dlq",
			Start: StartEarliest, SessionTimeout: time.Minute, TLS: true, CA: filepath.Join(dir, test.ca, "ca.crt"), SASL: saslNone,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
			"group": c.Dialer().DialFunc, "transport": c.Transport.Dial,
		} {
			conn, err := dial(t.Context(), "tcp", net.JoinHostPort(test.host, port))
			if err == nil {
				_ = conn.Close()
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s to %s with the CA %q: error %v, want %q", name, test.host, test.ca, err, test.want)
			}
		}
	}
}

// serveTLS listens with the certificate in dir until the test ends, and
// returns its port.
func serveTLS(t *testing.T, dir string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context()) // the client judges
			_ = conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}
