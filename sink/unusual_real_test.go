//go:build real

package sink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// TestRealInternationalDomain: the domain of the server is not ASCII. It has U-labels in
// XMPP, and A-labels in DNS and in the certificate. Only DNS is not real.
func TestRealInternationalDomain(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{Domain: "bücher.test"})
	cfg := newScene(t, habits{name: "Prosody"}, server, "alerts").settings()
	cfg.JID, cfg.Room, cfg.RoomCreate, cfg.Addr = "Notifier@BÜCHER.test", "alerts@"+server.MUC, true, ""
	var asked sync.Map
	c := openRoomBy(t, cfg, func(ctx context.Context, network, addr string) (net.Conn, error) {
		asked.Store(addr, true)
		return new(net.Dialer).DialContext(ctx, network, server.Addr)
	})
	c.post(0, 3)
	c.delivered(3)
	asked.Range(func(addr, _ any) bool {
		if addr != "xn--bcher-kva.test:5222" {
			t.Errorf("connected to %s", addr)
		}
		return true
	})
}

// TestRealTLS: what is wrong with the server's TLS is said, with what helps.
func TestRealTLS(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options testbed.Options
		says    string
	}{
		"certificate without names": {testbed.Options{NoNames: true}, "it has no subjectAltName (RFC 6125), and the common name does not count"},
		"TLS 1.1":                   {testbed.Options{OldTLS: true}, "the server has nothing newer than TLS 1.1: enable TLS 1.2 or 1.3 on it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startReal(t, testbed.Prosody, tc.options)
			openRoom(t, newScene(t, habits{name: "Prosody"}, server, "alerts").settings()).logged(tc.says)
		})
	}
}

// TestRealLimitOfTheServer: the server ends the stream of who sends too much. The message
// is shown, cut, and what follows is shown whole.
func TestRealLimitOfTheServer(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{MaxStanzaBytes: 20_000})
	sc := newScene(t, habits{name: "Prosody"}, server, "small")
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(t, sc.settings())
	long := strings.Repeat("lang ", 12_000)
	sc.must(c.Submit(t.Context(), sink.Message{Identity: "long", Body: long, Done: func(r sink.Result) { c.done("long", r) }}))
	c.post(0, 5)
	c.delivered(6)
	w.wait(6)
	got := w.shown()
	if cut, marked := strings.CutSuffix(got[0].Body, " […]"); len(got) != 6 || !marked || len(cut) < 10_000 || !strings.HasPrefix(long, cut) {
		t.Errorf("the room shows %d messages, the first of %d bytes, marked %v", len(got), len(got[0].Body), marked)
	}
	c.logged("set XMPP_MAX_STANZA_BYTES")
}

// TestRealHistoryGrows: a room that can tell few messages gets few at once, until it can
// tell more: nothing has to be restarted.
func TestRealHistoryGrows(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{})
	sc := newScene(t, habits{name: "Prosody"}, server, "grows")
	sc.create(owner.Room{History: 5})
	c := openRoom(t, sc.settings())
	n := 0
	post := func() {
		t.Helper()
		c.joined()
		c.post(n, n+40)
		n += 40
		c.delivered(n)
		sc.until("kicked", func() error { return sc.owner.Kick(t.Context(), "notifier") })
	}
	for range 3 {
		post()
	}
	c.logged("lower XMPP_MAX_IN_FLIGHT")
	if depth := c.HistoryDepth(); depth != 5 {
		t.Errorf("the room is said to tell %d messages", depth)
	}
	sc.must(sc.owner.Configure(t.Context(), owner.Room{History: 50}))
	sc.until("as many at once as are to be", func() error {
		post()
		if depth := c.HistoryDepth(); depth < 16 {
			return fmt.Errorf("the room is said to tell %d messages", depth)
		}
		return nil
	})
}

// TestRealRename: the server gives us another nickname while we post (303). That is said,
// and ends nothing.
func TestRealRename(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Ejabberd, testbed.Options{})
	sc := newScene(t, habits{name: "ejabberd"}, server, "rename")
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(t, sc.settings())
	c.post(0, 5)
	c.delivered(5)
	me := regexp.MustCompile(`jid=(\S+)`).FindStringSubmatch(c.log.String())[1]
	c.post(5, 10)
	sc.api("send_stanza", map[string]string{"from": me, "to": sc.room + "@" + server.MUC + "/guest", "stanza": "<presence/>"})
	c.post(10, 20)
	c.delivered(20)
	w.check(20)
	c.logged(`msg="the room has given us another nickname"`)
	if strings.Contains(c.log.String(), "left the room") {
		t.Error("the log says that we have left")
	}
}

// api runs a command of ejabberd's HTTP API.
func (sc *scene) api(name string, arguments any) {
	sc.Helper()
	body, err := json.Marshal(arguments)
	sc.must(err)
	request, err := http.NewRequestWithContext(sc.Context(), http.MethodPost, sc.server.API+"/"+name, bytes.NewReader(body))
	sc.must(err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	sc.must(err)
	sc.must(response.Body.Close())
	if response.StatusCode != http.StatusOK {
		sc.Fatalf("%s: ejabberd says %s", name, response.Status)
	}
}

// TestRealSilence: whatever a server does not answer, the error names the limit.
func TestRealSilence(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{})
	sc := newScene(t, habits{name: "Prosody"}, server, "silence")
	sc.create(owner.Room{})
	cfg := sc.settings()
	cfg.ConnectTimeout = 2 * time.Second
	sc.proxy.Blackhole()
	c := openRoom(t, cfg)
	c.logged("not in the room within XMPP_CONNECT_TIMEOUT=2s")
	sc.proxy.Heal()
	c.joined()
}
