package sink_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// A domain has U-labels in addresses of XMPP, and A-labels for DNS, SNI and the
// certificate (RFC 7622, section 3.2).
func TestInternationalDomains(t *testing.T) {
	srv := startServer(t, sinktest.Config{Domain: "bücher.example", CertNames: []string{"xn--bcher-kva.example"}})
	cfg := settings(t, srv)
	cfg.JID, cfg.Addr = "Notifier@BÜCHER.example", ""
	var mu sync.Mutex
	var asked []string
	c := openRoomBy(t, cfg, func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, addr)
		return new(net.Dialer).DialContext(ctx, network, srv.Addr())
	})
	c.post(0, 3)
	c.delivered(3)
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"xn--bcher-kva.example:5222"}; !slices.Equal(asked, want) {
		t.Errorf("connected to %q, want %q", asked, want)
	}
	if !strings.Contains(c.log.String(), "setting=XMPP_JID given=Notifier@BÜCHER.example used=notifier@bücher.example") {
		t.Error("the change of the address is not told")
	}
}

// A web server that is none of XMPP is named with the setting. A redirect is not followed:
// it might lead to a place without TLS.
func TestWebSocketsThatAreNone(t *testing.T) {
	elsewhere := ""
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, elsewhere, http.StatusFound)
		case "/other":
			ws, err := websocket.Accept(w, r, nil) // without a protocol
			if err == nil {
				_ = ws.CloseNow()
			}
		default:
			t.Errorf("asked for %s", r.URL.Path)
		}
	}))
	t.Cleanup(web.Close)
	elsewhere = web.URL + "/followed"
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/moved": "no XMPP over WebSocket: the server answers 302 Found: correct the URL in XMPP_ADDR",
		"/other": "no XMPP over WebSocket: the server takes another protocol",
	} {
		cfg := settings(t, startServer(t, sinktest.Config{}))
		cfg.Addr, cfg.CAFile = strings.Replace(web.URL, "https://", "wss://", 1)+path, ca
		c := openRoom(t, cfg)
		c.logged(want)
		c.stop()
		cfg.CAFile = ""
		openRoom(t, cfg).logged("set XMPP_CA_FILE to the authority that issued the server's certificate")
	}
}

// TestRealProxies goes into the room through a SOCKS5 and an HTTP proxy, and names
// the setting where that does not work.
func TestRealProxies(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	socks, err := testbed.SOCKS(t.Context(), testbed.Options{Dir: t.TempDir()}, "alice", "s3cret")
	runs(t, socks, err)
	web, err := testbed.HTTPProxy(t.Context(), testbed.Options{Dir: t.TempDir()}, "alice", "s3cret")
	runs(t, web, err)
	for _, proxy := range []string{"socks5://alice:s3cret@" + socks.Addr, "http://alice:s3cret@" + web.Addr} {
		cfg := settings(t, srv)
		cfg.Proxy = proxy
		c := openRoom(t, cfg)
		c.post(0, 3)
		c.delivered(3)
		c.stop()
	}
	for _, proxy := range []string{"socks5://alice:wr0ng@" + socks.Addr, "http://alice:wr0ng@" + web.Addr, "socks5://alice:wr0ng@-.invalid"} {
		cfg := settings(t, srv)
		cfg.Proxy = proxy
		c := openRoom(t, cfg)
		c.logged("check XMPP_PROXY")
		if strings.Contains(c.log.String(), "wr0ng") {
			t.Error("the proxy's password is shown")
		}
		c.stop()
	}
}

// runs ends the test if a real proxy does not run.
func runs(t *testing.T, tunnel *testbed.Tunnel, err error) {
	t.Helper()
	if missing, ok := errors.AsType[*testbed.Missing](err); ok && os.Getenv("CI") != "true" {
		t.Skip("not run, because ", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tunnel.Kill() })
}

func TestAddressesThatAreWrongAreExplained(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	for name, c := range map[string]struct {
		change func(*sink.Config)
		want   string
	}{
		"URI":      {func(c *sink.Config) { c.Room = "xmpp:alerts@conference.xmpp.test?join;password=wr0ng" }, `XMPP_ROOM="xmpp:alerts@conference.xmpp.test" is a URI: write the address alone, alerts@conference.xmpp.test`},
		"resource": {func(c *sink.Config) { c.JID = "notifier@xmpp.test/bot" }, "write the part before the slash, notifier@xmpp.test"},
		"port":     {func(c *sink.Config) { c.JID = "notifier@xmpp.test:5222" }, "has a port: write the domain alone"},
		"blank":    {func(c *sink.Config) { c.Room = "alert s@conference.xmpp.test" }, "has the character ' ' at position 6"},
		"nickname": {func(c *sink.Config) { c.Nick = "bot\x07" }, "XMPP_NICK=\"bot\\a\" has the character U+0007 at position 4"},
		"no TLS":   {func(c *sink.Config) { c.Addr = "ws://xmpp.test/ws" }, `XMPP_ADDR="ws://xmpp.test/ws" is a WebSocket without TLS: use wss://`},
		"no host":  {func(c *sink.Config) { c.Addr = "wss:///ws" }, "write wss://HOST/PATH"},
		"user":     {func(c *sink.Config) { c.Addr = "wss://alice:wr0ng@xmpp.test/ws" }, `XMPP_ADDR="xmpp.test/ws" is no URL of a WebSocket`},
		"proxy":    {func(c *sink.Config) { c.Proxy = "alice:wr0ng@proxy:1080" }, "XMPP_PROXY is not the URL of a proxy"},
	} {
		cfg := settings(t, srv)
		c.change(&cfg)
		_, err := sink.New(cfg, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
