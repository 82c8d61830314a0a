//go:build real

package sink_test

import (
	"context"
	"crypto/x509"
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
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/proxy"
)

// scene is one case on one server: a room of its own, with an owner in it.
type scene struct {
	*testing.T
	habits
	server *testbed.XMPP
	room   string // before the @
	owner  *owner.Owner
	proxy  *proxy.Proxy // between the client under test and the server
}

func newScene(t *testing.T, h habits, server *testbed.XMPP, name string) *scene {
	t.Helper()
	sc := &scene{T: t, habits: h, server: server, room: strings.ToLower(strings.ReplaceAll(name, " ", "-"))}
	p, err := proxy.New(t.Context(), server.Addr)
	sc.must(err)
	t.Cleanup(p.Close)
	sc.proxy = p
	return sc
}

func (sc *scene) must(err error) {
	sc.Helper()
	if err != nil {
		sc.Fatal(err)
	}
}

// log in returns a connection of the account, for things to do to the room.
func (sc *scene) login(account string) *owner.Owner {
	sc.Helper()
	var o *owner.Owner
	sc.until(account+" is logged in", func() (err error) { // servers that have just been started close some
		o, err = owner.Login(sc.Context(), sc.server, account, sc.room)
		return err
	})
	sc.Cleanup(o.Close)
	return o
}

// create makes the room. Where rooms cannot be configured it is the one that
// the testbed has made for the purpose.
func (sc *scene) create(r owner.Room) {
	sc.Helper()
	if sc.name == "Vysper" && (r != owner.Room{}) {
		switch {
		case r.Password != "":
			sc.room = "locked"
		case r.MembersOnly:
			sc.room = "members"
		case r.Moderated:
			sc.room = "moderated"
		}
	}
	sc.owner = sc.login("admin")
	if sc.name == "Vysper" {
		_, err := sc.owner.Enter(sc.Context(), "admin", r.Password)
		sc.must(err)
		return
	}
	sc.must(sc.owner.Create(sc.Context(), r))
}

// settings are those of the client under test, with short pauses. How long it may
// take to get in is what users have: a busy machine is no reason to connect again.
// Only where a refusal shows in no other way the limit is short.
func (sc *scene) settings() sink.Config {
	limit := 30 * time.Second
	if sc.silent {
		limit = 5 * time.Second
	}
	return sink.Config{
		JID: "notifier@" + sc.server.Domain, Password: config.NewSecret(testbed.Password("notifier")), Addr: sc.proxy.Addr(),
		TLS: "starttls", CAFile: sc.server.CAFile, Room: sc.room + "@" + sc.server.MUC, IDKey: config.NewSecret("a key"),
		Limits: sink.Limits{
			MaxInFlight: 16, MaxStanzaBytes: 65000, ConnectTimeout: limit, PingInterval: 2 * time.Second,
			StallTimeout: 10 * time.Second, ReconnectMax: 200 * time.Millisecond,
		},
	}
}

// settingsOf are those of a client with a nickname of its own.
func (sc *scene) settingsOf(nick string) sink.Config {
	cfg := sc.settings()
	cfg.Nick = nick
	return cfg
}

// twoWorkers lets two clients into the room, where somebody watches.
func (sc *scene) twoWorkers() (w *watcher, first, second *client) {
	sc.Helper()
	sc.create(owner.Room{})
	w = sc.watch()
	first, second = openRoom(sc.T, sc.settings()), openRoom(sc.T, sc.settingsOf("second"))
	first.joined()
	second.joined()
	return w, first, second
}

// watch lets an independent occupant in, who writes down what the room shows.
func (sc *scene) watch() *watcher { return sc.watchWith("") }

func (sc *scene) watchWith(password string) *watcher {
	sc.Helper()
	w := &watcher{sc: sc, password: password, known: map[string]bool{}}
	w.sit()
	sc.Cleanup(func() { w.occupant.Close() })
	return w
}

// watcher is the independent witness. Its log is in the order of the room.
type watcher struct {
	sc       *scene
	password string
	only     string // begin of the nicknames to watch, "" for all
	occupant *observer.Observer

	mu    sync.Mutex
	known map[string]bool // ids
	log   []observer.Message
}

// sit joins the room, again after the server was away. What the history tells
// and was seen before is not counted twice.
func (w *watcher) sit() {
	w.sc.Helper()
	pem, err := os.ReadFile(w.sc.server.CAFile)
	w.sc.must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	options := observer.Options{
		Addr: w.sc.server.Addr, Domain: w.sc.server.Domain, CA: pool,
		User: "observer", Password: testbed.Password("observer"),
		Room: w.sc.room + "@" + w.sc.server.MUC, RoomPassword: w.password, Nick: "observer",
		OnMessage: func(m observer.Message) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if strings.HasPrefix(m.Nick, w.only) && (!m.Delayed || !w.known[m.ID]) {
				w.log = append(w.log, m)
			}
			w.known[m.ID] = true
		},
	}
	w.sc.until("the observer is in the room", func() error { // servers close some logins
		ctx, cancel := context.WithTimeout(w.sc.Context(), patience)
		defer cancel()
		occupant, err := observer.Join(ctx, options)
		if err == nil {
			w.occupant = occupant
		}
		return err
	})
}

// shown returns what the room has shown up to now.
func (w *watcher) shown() []observer.Message {
	w.sc.Helper()
	ctx, cancel := context.WithTimeout(w.sc.Context(), patience)
	defer cancel()
	w.sc.must(w.occupant.Fence(ctx))
	return w.seen()
}

// seen returns what has arrived, also after the occupant has left.
func (w *watcher) seen() []observer.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log)
}

// wait waits until the room has shown n messages.
func (w *watcher) wait(n int) {
	w.sc.Helper()
	w.sc.until(fmt.Sprintf("the room has shown %d messages", n), func() error {
		if got := len(w.shown()); got < n {
			return fmt.Errorf("it has shown %d", got)
		}
		return nil
	})
}

// check compares what the room has shown with message 0 to n-1.
func (w *watcher) check(n int) {
	w.sc.Helper()
	w.wait(n)
	var got []string
	for _, m := range w.shown() {
		got = append(got, m.Body)
	}
	want := bodies(n)
	if w.sc.disorder {
		slices.Sort(got)
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		w.sc.Errorf("the room has shown %d messages, want %d: %s", len(got), n, difference(got, want))
	}
}

// difference says how got differs from want.
func difference(got, want []string) string {
	count := map[string]int{}
	for _, body := range got {
		count[body]++
	}
	var lost, repeated []string
	for _, body := range want {
		switch n := count[body]; {
		case n == 0:
			lost = append(lost, body)
		case n > 1:
			repeated = append(repeated, body)
		}
	}
	disorder := ""
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			disorder = fmt.Sprintf("; at %d %q", i, got[max(0, i-2):min(len(got), i+5)])
			break
		}
	}
	return fmt.Sprintf("lost %.10q, repeated %.40q%s", lost, repeated, disorder)
}

// until waits for a condition.
func (sc *scene) until(what string, holds func() error) {
	sc.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			sc.Fatalf("waited for: %s; but %v", what, err)
		}
	}
}

// possible runs what an owner does. It returns false if this server does not
// allow it, after making sure of that.
func (sc *scene) possible(what string, do func(context.Context) error) bool {
	sc.Helper()
	reason, exception := sc.cannot[what]
	ctx := sc.Context()
	if exception {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
	}
	err := do(ctx)
	switch {
	case !exception:
		sc.must(err)
	case err == nil:
		sc.Errorf("%s works, against what the table says: %s", what, reason)
	default:
		sc.Logf("as the table says: %v", err)
	}
	return !exception
}

// refused waits until the client has told what is wrong with its join; a server
// that does not answer leaves it with the limit of time.
func (sc *scene) refused(c *client, fix string) {
	sc.Helper()
	if sc.silent {
		fix = "not in the room within XMPP_CONNECT_TIMEOUT"
	}
	c.logged(fix)
}

// oneConnection checks that nothing has broken the client's connection.
func (sc *scene) oneConnection() {
	sc.Helper()
	if n := sc.proxy.Connections(); n != 1 {
		sc.Errorf("the client has connected %d times", n)
	}
}
