//go:build real

package sink_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// startReal starts a server until the end of the test. Where it is not installed the
// test is skipped, unless CI=true demands that all run.
func startReal(t *testing.T, start func(context.Context, testbed.Options) (*testbed.XMPP, error), o testbed.Options) *testbed.XMPP {
	t.Helper()
	o.Dir = t.TempDir()
	server, err := start(t.Context(), o)
	if missing, ok := errors.AsType[*testbed.Missing](err); ok && os.Getenv("CI") != "true" {
		t.Skip("not run, because ", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logged(t, server)
		}
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// poisonRules are what a room does with messages that have certain words.
const poisonRules = `
INSPECT: body#/=swallow
DROP.

INSPECT: body#/=bounce
BOUNCE=service-unavailable (not this word)

INSPECT: body#/=wait
BOUNCE=resource-constraint:wait (not now)
`

// TestRealPoison: what a room swallows or always bounces is rejected with the reason,
// and everything else is shown in order, in one session.
func TestRealPoison(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{RoomRules: poisonRules})
	for word, of := range map[string]struct {
		why         string
		bad, others int
	}{
		"swallow": {"swallowed by the room", 50, 950},
		"bounce":  {`service-unavailable ("not this word")`, 50, 950},
		"wait":    {`resource-constraint ("not now")`, 2, 38}, // each takes some seconds: it might be the pace
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			sc := newScene(t, habits{name: "Prosody"}, server, word)
			sc.create(owner.Room{})
			w := sc.watch()
			c := openRoom(t, sc.settings())
			c.joined()
			var texts, good []string
			for i := range of.bad + of.others {
				if i%20 == 10 {
					texts = append(texts, fmt.Sprintf("%s %d", word, i))
					continue
				}
				texts = append(texts, fmt.Sprintf("message %d", i))
				good = append(good, texts[i])
			}
			rejected := 0
			for text, r := range c.posting(texts) {
				switch {
				case !strings.HasPrefix(text, word):
					if r.Outcome != sink.Delivered {
						t.Errorf("%s: %+v", text, r)
					}
				case r.Outcome != sink.Rejected || !strings.Contains(r.Err.Error(), of.why):
					t.Errorf("%s: %+v", text, r)
				default:
					rejected++
				}
			}
			var got []string
			for _, m := range w.shown() {
				got = append(got, m.Body)
			}
			if rejected != of.bad || !slices.Equal(got, good) {
				t.Errorf("%d rejected, want %d; shown %d, want %d: %s", rejected, of.bad, len(got), of.others, difference(got, good))
			}
			sc.oneConnection()
		})
	}
}

// TestRealJoinsArePaced: a room that limits joins lets all workers in after a while. They
// ask less and less often, and say why they wait.
func TestRealJoinsArePaced(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{RoomRules: `
%RATE joins: 0.5 (burst 4)

KIND: presence
TYPE: available
LIMIT: joins on $<@to|bare>
BOUNCE=policy-violation:wait (The room is overactive, try again later)
`})
	const n = 4
	clients := make([]*client, n)
	scenes := make([]*scene, n)
	for i := range clients {
		sc := newScene(t, habits{name: "Prosody"}, server, "joins")
		scenes[i] = sc
		cfg := sc.settings()
		cfg.RoomCreate, cfg.Nick = true, fmt.Sprint("worker", i)
		cfg.ReconnectMax = 30 * time.Second
		clients[i] = openRoom(t, cfg)
	}
	waited := 0
	for i, c := range clients {
		c.joined()
		c.post(10*i, 10*i+10)
		c.delivered(10)
		waited += strings.Count(c.log.String(), "the room limits how often it may be joined")
		if refused := strings.Count(c.log.String(), "disconnected, reconnecting"); refused > 1 {
			t.Errorf("worker %d says %d times that it waits", i, refused)
		}
	}
	asked := 0
	for _, sc := range scenes {
		asked += sc.proxy.Connections()
	}
	t.Logf("%d workers asked %d times", n, asked)
	if waited == 0 || asked > 5*n {
		t.Errorf("%d had to wait, and %d workers asked %d times", waited, n, asked)
	}
}

// TestRealTextProvesNothing: the history has our text from our nickname already. It was
// somebody else, or we had another key, or the room keeps no ids. What is lost on its
// way is sent again, and shown once more.
func TestRealTextProvesNothing(t *testing.T) {
	t.Parallel()
	stranger := func(sc *scene) {
		other := sc.login("other")
		_, err := other.Enter(sc.Context(), "notifier", "")
		sc.must(err)
		sc.must(other.Say("another id", "message 0"))
		sc.must(other.Alive(sc.Context()))
		sc.must(other.Leave(sc.Context()))
	}
	for name, tc := range map[string]struct {
		options testbed.Options
		before  func(*scene)
	}{
		"posted with another key": {testbed.Options{}, func(sc *scene) {
			cfg := sc.settings()
			cfg.IDKey = config.NewSecret("the old key")
			old := openRoom(sc.T, cfg)
			old.post(0, 1)
			old.delivered(1)
			old.stop()
		}},
		"posted by a stranger":           {testbed.Options{}, stranger},
		"in a room that keeps no ids":    {testbed.Options{NoIDs: true}, stranger},
		"in a room without ids, archive": {testbed.Options{NoIDs: true, Archive: true}, stranger},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startReal(t, testbed.Prosody, tc.options)
			sc := newScene(t, habits{name: "Prosody"}, server, "text")
			sc.create(owner.Room{})
			w := sc.watch()
			tc.before(sc)
			w.wait(1)
			cfg := sc.settings()
			cfg.PingInterval = 500 * time.Millisecond
			c := openRoom(t, cfg)
			c.joined()
			sc.proxy.Blackhole()
			c.post(0, 1)
			c.logged("disconnected, reconnecting")
			sc.proxy.Heal()
			c.delivered(1)
			w.wait(2)
			got := w.shown()
			if len(got) != 2 || tc.options.NoIDs != (got[1].ID == "") {
				t.Errorf("the room has shown %+v", got)
			}
		})
	}
}

// TestRealRefusedArchive: a room that announces an archive and refuses to open it tells
// no more than its history.
func TestRealRefusedArchive(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{Archive: true, RoomRules: `
INSPECT: {urn:xmpp:mam:2}query@queryid
BOUNCE=forbidden (The archive is closed)
`})
	sc := newScene(t, habits{name: "Prosody"}, server, "closed")
	sc.create(owner.Room{})
	c := openRoom(t, sc.settings())
	for joins := 1; joins <= 3; joins++ {
		c.joined()
		if depth := c.HistoryDepth(); depth != 16 {
			t.Errorf("after join %d the room is said to tell %d messages", joins, depth)
		}
		c.post(10*joins, 10*joins+10)
		c.delivered(10 * joins)
		sc.until("kicked", func() error { return sc.owner.Kick(sc.Context(), "notifier") })
		sc.until("joined again", func() error {
			if n := strings.Count(c.log.String(), `msg="in the room"`); n <= joins {
				return fmt.Errorf("%d joins", n)
			}
			return nil
		})
	}
	if !strings.Contains(c.log.String(), `the archive of the room does not answer`) {
		t.Error("the log does not say that the archive is closed")
	}
}

// TestRealTooManySessions: twelve workers of one account where the server allows ten
// sessions. They put out each other less and less often, everything is delivered, and
// the log says what to change.
func TestRealTooManySessions(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Ejabberd, testbed.Options{})
	const workers, each = 12, 10
	sc := newScene(t, habits{name: "ejabberd"}, server, "sessions")
	sc.create(owner.Room{})
	w := sc.watch()
	var clients []*client
	for i := range workers {
		cfg := sc.settings()
		cfg.ReconnectMax = 2 * time.Second
		c := openRoom(t, cfg)
		clients = append(clients, c)
		c.post(i*each, i*each+each) // fewer than may be in flight
	}
	for _, c := range clients {
		c.delivered(each)
	}
	w.wait(workers * each)
	if got := len(w.shown()); got != workers*each {
		t.Errorf("the room has shown %d messages", got)
	}
	before := sc.proxy.Connections()
	pause := time.NewTimer(10 * time.Second)
	defer pause.Stop()
	<-pause.C
	settling := sc.proxy.Connections() - before
	replaced := 0
	for _, c := range clients {
		if strings.Contains(c.log.String(), "Replaced by new connection") {
			replaced++
			c.logged("ejabberd: max_user_sessions, 10")
		}
	}
	if replaced == 0 {
		t.Error("no worker was put out")
	}
	t.Logf("%d workers, %d put out: %d logins until all was delivered, then %d in 10 s", workers, replaced, before, settling)
	if settling > 20 { // twice as many if pauses did not grow
		t.Errorf("%d logins in 10 s", settling)
	}
}

// TestRealCaptcha: what the room says while we wait to be let in is quoted, and the fix is
// enough. The server offers a SCRAM that it cannot run for any account, too: PLAIN logs in.
func TestRealCaptcha(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Ejabberd, testbed.Options{Captcha: true, OtherHash: true})
	sc := newScene(t, habits{name: "ejabberd"}, server, "captcha")
	sc.create(owner.Room{})
	cfg := sc.settings()
	cfg.ConnectTimeout = 5 * time.Second
	c := openRoom(t, cfg)
	c.post(0, 3)
	c.logged("the room asks for a captcha (XEP-0158)")
	c.logged("https://captcha.xmpp.test/captcha/")
	c.logged("make the account of XMPP_JID a member of the room")
	sc.must(sc.owner.Admit(t.Context(), cfg.JID))
	c.delivered(3)
	if strings.Contains(c.log.String(), "check XMPP_JID and XMPP_PASSWORD") {
		t.Error("the password is said to be wrong")
	}
}

// TestRealMuteRoom: a room that answers no request seats us all the same. What others say
// while we wait for an answer is not taken for history, of which this room has none.
func TestRealMuteRoom(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{HistorySize: -1, RoomRules: `
KIND: iq
FROM: <notifier>@<xmpp.test>
DROP.
`})
	sc := newScene(t, habits{name: "Prosody"}, server, "mute")
	sc.create(owner.Room{})
	w := sc.watch()
	w.only = "notifier"
	cfg := sc.settings()
	cfg.ConnectTimeout = 15 * time.Second
	hush := sc.chatter()
	c := openRoom(t, cfg)
	c.joined()
	hush()
	if depth := c.HistoryDepth(); depth != 16 {
		t.Errorf("the room is said to tell %d messages", depth)
	}
	c.post(0, 100)
	c.delivered(100)
	w.check(100)
}

// chatter has another occupant talk all the time, until it is told to hush.
func (sc *scene) chatter() (hush func()) {
	sc.Helper()
	other := sc.login("other")
	_, err := other.Enter(sc.Context(), "other", "")
	sc.must(err)
	ctx, cancel := context.WithCancel(sc.Context())
	var talking sync.WaitGroup
	talking.Go(func() {
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			if err := other.Say(fmt.Sprint("id", i), "so to speak"); err != nil {
				sc.Errorf("the other occupant was cut off: %v", err)
				return
			}
			<-pace.C
		}
	})
	hush = func() { cancel(); talking.Wait() }
	sc.Cleanup(hush)
	return hush
}

// TestRealArchiveFirst: an archive that stores what it receives, without ids, says nothing
// of what the room has shown.
func TestRealArchiveFirst(t *testing.T) {
	t.Parallel()
	server := startReal(t, testbed.Prosody, testbed.Options{Archive: true, ArchiveFirst: true})
	sc := newScene(t, habits{name: "Prosody"}, server, "gateway")
	sc.create(owner.Room{})
	w := sc.watch()
	cfg := sc.settings()
	first := openRoom(t, cfg)
	first.joined()
	first.post(0, 3)
	sc.watch().wait(3) // who comes later is told them as history
	first.stop()
	next := openRoom(t, cfg)
	next.post(0, 3)
	next.delivered(3)
	w.check(3)
}
