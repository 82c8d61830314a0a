//go:build real

package sink_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/setup"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/proxy"
)

type realCase struct {
	name  string
	run   func(*scene)
	quick bool // and telling: part of the short form on slow servers
}

func cases() []realCase {
	return []realCase{
		{name: "both kinds of TLS", run: bothKindsOfTLS, quick: true},
		{name: "WebSocket", run: webSocket},
		{name: "only PLAIN", run: onlyPlain},
		{name: "500 in order", run: inOrder, quick: true},
		{name: "another worker", run: anotherWorker, quick: true},
		{name: "same nickname twice", run: sameNickTwice},
		{name: "nickname taken", run: nickTaken, quick: true},
		{name: "cut before the reflections", run: cutBeforeReflections},
		{name: "ghost", run: ghost},
		{name: "reset", run: reset},
		{name: "black hole", run: blackHole},
		{name: "addresses", run: addresses},
		{name: "passwords", run: passwords},
		{name: "room password", run: roomPassword},
		{name: "members only", run: membersOnly},
		{name: "banned", run: banned},
		{name: "kicked", run: kicked, quick: true},
		{name: "voice", run: voice, quick: true},
		{name: "room missing", run: roomMissing, quick: true},
		{name: "room destroyed", run: roomDestroyed},
		{name: "text made to fit", run: textMadeToFit, quick: true},
		{name: "digests", run: digests, quick: true},
		{name: "digests in the archive", run: digestsInTheArchive},
		{name: "forged digests", run: forgedDigests},
		{name: "corrections", run: corrections, quick: true},
		{name: "hostile occupant", run: hostileOccupant, quick: true},
		{name: "idle", run: idle},
		{name: "leaves politely", run: leavesPolitely, quick: true},
		{name: "server stopped", run: serverStopped},
		{name: "server killed", run: serverKilled},
	}
}

// addresses: however the server writes the room's name, the worker finds itself in it. A
// nickname that it does not take is named.
func addresses(sc *scene) {
	if sc.name == "Vysper" || sc.name == "jabberd2" {
		return // rooms with such names cannot be made there: Vysper needs them at the start, mu-conference stores ASCII
	}
	sc.create(owner.Room{}) // that of the scene
	for _, name := range []string{"straße", "Sto\u0308rung", "ｆｕｌｌ", "UPPER"} {
		cfg := sc.settings()
		cfg.Room, cfg.RoomCreate = name+"@"+sc.server.MUC, true
		c := openRoom(sc.T, cfg)
		c.post(0, 3)
		c.delivered(3)
		c.stop()
	}
	openRoom(sc.T, sc.settingsOf("bot 🚨")).logged("correct XMPP_ROOM or XMPP_NICK")
}

// passwords: what a server takes logs in, also if it is newer than SASLprep. ejabberd takes
// only what that knows.
func passwords(sc *scene) {
	for account, character := range map[string]string{"hyphen": "\u00ad", "emoji": "\U0001F600"} {
		if sc.name != "Prosody" && (sc.name != "ejabberd" || account == "emoji") {
			continue
		}
		o := setup.Options{Worker: sc.settings()}
		o.Admin = setup.Config{JID: "admin@" + sc.server.Domain, Password: config.NewSecret(testbed.Password("admin"))}
		o.Worker.JID, o.Worker.Password = account+"@"+sc.server.Domain, config.NewSecret("hu"+character+"sh")
		var said []string
		err := setup.Run(sc.Context(), o, func(l setup.Line) { said = append(said, l.Text) })
		if err != nil {
			sc.Errorf("%s: %q", account, said)
		}
	}
}

func bothKindsOfTLS(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(sc.T, sc.settings())
	c.post(0, 5)
	c.delivered(5)
	c.stop()
	if sc.direct {
		cfg := sc.settings()
		cfg.TLS, cfg.Addr = "direct", sc.server.DirectTLSAddr
		c = openRoom(sc.T, cfg)
		c.post(5, 10)
		c.delivered(5)
		w.check(10)
	}
}

// webSocket: over a WebSocket (RFC 7395) nothing else changes, whatever happens to it.
func webSocket(sc *scene) {
	if sc.server.WebSocketURL == "" {
		return // neither jabberd2 nor Vysper has any
	}
	there, err := url.Parse(sc.server.WebSocketURL)
	sc.must(err)
	p, err := proxy.New(sc.Context(), there.Host)
	sc.must(err)
	defer p.Close()
	sc.create(owner.Room{})
	w := sc.watch()
	cfg := sc.settings()
	there.Host = p.Addr()
	cfg.Addr, cfg.TLS = there.String(), "auto"
	c := openRoom(sc.T, cfg)
	for n := 0; n < 150; n += 50 {
		c.post(n, n+50)
		p.Reset()
	}
	c.delivered(150)
	p.Blackhole()
	c.logged("no answer from the server within twice XMPP_PING_INTERVAL")
	p.Heal()
	c.post(150, 200)
	c.delivered(200)
	w.check(200)
	long := strings.Repeat("ü&", 10_000) // it is written in pieces, and is one message all the same
	sc.must(c.Submit(sc.Context(), sink.Message{Body: long, Done: func(r sink.Result) { c.done(long, r) }}))
	c.delivered(201)
	c.stop()
	there.Path = "/elsewhere"
	cfg.Addr = there.String()
	openRoom(sc.T, cfg).logged("no XMPP over WebSocket: the server answers 404")
}

// onlyPlain is how servers are whose accounts are in an LDAP directory.
func onlyPlain(sc *scene) {
	server, err := sc.start(sc.Context(), testbed.Options{Dir: sc.TempDir(), PlainOnly: true})
	sc.must(err)
	defer func() { sc.must(server.Kill()) }()
	plain := newScene(sc.T, sc.habits, server, "plain")
	plain.create(owner.Room{})
	c := openRoom(sc.T, plain.settings())
	c.post(0, 5)
	c.delivered(5)
	wrong := plain.settings()
	wrong.Password = config.NewSecret("wrong")
	openRoom(sc.T, wrong).logged("check XMPP_JID and XMPP_PASSWORD")
}

func inOrder(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(sc.T, sc.settings())
	c.post(0, 500)
	c.delivered(500)
	w.check(500)
	sc.oneConnection()
	ids := map[string]bool{}
	for _, m := range w.shown() {
		ids[m.ID] = true
	}
	if len(ids) != 500 || ids[""] {
		sc.Errorf("%d different ids", len(ids))
	}
	if strings.Contains(c.log.String(), "does not keep ids") {
		sc.Error("the client did not recognise its ids")
	}
}

func anotherWorker(sc *scene) {
	w, first, second := sc.twoWorkers()
	first.post(0, 30)
	first.delivered(30)
	second.post(30, 31) // once this is shown, the second has seen all before
	second.delivered(1)
	second.post(0, 30)
	for body, r := range second.settled(31) {
		if r.Outcome != sink.Suppressed && body != "message 30" {
			sc.Errorf("seen live, %s: outcome %d", body, r.Outcome)
		}
	}
	third := openRoom(sc.T, sc.settingsOf("third"))
	third.joined()
	third.post(16, 31)
	third.suppressed(15) // told by the history
	w.check(31)
}

// sameNickTwice is two workers with one configuration.
func sameNickTwice(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	first, second := openRoom(sc.T, sc.settings()), openRoom(sc.T, sc.settings())
	first.joined()
	second.joined()
	first.post(0, 50)
	second.post(50, 100)
	first.delivered(50)
	second.delivered(50)
	w.wait(100)
	seen := map[string]int{}
	for _, m := range w.shown() {
		seen[m.Body]++
	}
	for _, body := range bodies(100) {
		if seen[body] != 1 {
			sc.Errorf("%s was shown %d times", body, seen[body])
		}
	}
}

func nickTaken(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	thief := sc.login("other")
	_, err := thief.Enter(sc.Context(), "notifier", "")
	sc.must(err)
	c := openRoom(sc.T, sc.settings())
	c.post(0, 5)
	c.delivered(5)
	if nick := w.shown()[0].Nick; nick == "notifier" || !strings.HasPrefix(nick, "notifier") {
		sc.Errorf("posted as %q", nick)
	}
	sc.must(thief.Leave(sc.Context()))
	n := 5
	sc.until("the nickname is taken back", func() error {
		c.post(n, n+1)
		n++
		c.delivered(n)
		w.wait(n)
		if nick := w.shown()[n-1].Nick; nick != "notifier" {
			return fmt.Errorf("it posts as %q", nick)
		}
		return nil
	})
	w.check(n)
}

// cutBeforeReflections loses the reflections of all that is in flight. Only the
// room's history can tell that nothing must be sent again.
func cutBeforeReflections(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	cfg := sc.settings()
	c := openRoom(sc.T, cfg)
	c.post(0, 50)
	c.delivered(50)
	sc.proxy.BlackholeInbound()
	n := 50 + cfg.MaxInFlight
	c.post(50, n)
	w.wait(n)
	sc.proxy.Heal()
	c.delivered(n)
	c.post(n, 100)
	c.delivered(100)
	w.check(100)
}

// ghost leaves a session behind that the server takes for alive.
func ghost(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(sc.T, sc.settings())
	c.post(0, 50)
	sc.proxy.CutClients()
	c.post(50, 100)
	c.delivered(100)
	w.check(100)
}

func reset(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(sc.T, sc.settings())
	for n := 0; n < 500; n += 50 {
		c.post(n, n+50)
		sc.proxy.Reset()
	}
	c.delivered(500)
	w.check(500)
}

func blackHole(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(sc.T, sc.settings())
	c.post(0, 50)
	sc.proxy.Blackhole()
	c.logged("disconnected, reconnecting")
	sc.proxy.Heal()
	c.post(50, 100)
	c.delivered(100)
	w.check(100)
}

func roomPassword(sc *scene) {
	const password = "secret"
	sc.create(owner.Room{Password: password})
	w := sc.watchWith(password)
	cfg := sc.settings()
	for _, wrong := range []string{"", "wrong"} {
		cfg.RoomPassword = config.NewSecret(wrong)
		c := openRoom(sc.T, cfg)
		sc.refused(c, "XMPP_ROOM_PASSWORD")
		c.stop()
	}
	cfg.RoomPassword = config.NewSecret(password)
	c := openRoom(sc.T, cfg)
	c.post(0, 10)
	c.delivered(10)
	w.check(10)
}

func membersOnly(sc *scene) {
	sc.create(owner.Room{MembersOnly: true})
	me := "notifier@" + sc.server.Domain
	c := openRoom(sc.T, sc.settings())
	sc.refused(c, "make the account of XMPP_JID a member")
	c.post(0, 10)
	sc.must(sc.owner.Admit(sc.Context(), me))
	c.delivered(10)
	if !sc.possible("revoke", func(ctx context.Context) error { return sc.owner.Revoke(ctx, me) }) {
		return
	}
	if !sc.stays {
		c.logged("make the account a member again")
	}
	c.post(10, 20)
	sc.must(sc.owner.Admit(sc.Context(), me))
	c.delivered(20)
}

func banned(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	me := "notifier@" + sc.server.Domain
	c := openRoom(sc.T, sc.settings())
	c.post(0, 50)
	if !sc.possible("ban", func(ctx context.Context) error { return sc.owner.Ban(ctx, me) }) {
		return
	}
	c.logged("lift the ban")
	sc.must(sc.owner.Unban(sc.Context(), me))
	c.post(50, 60)
	c.delivered(60)
	w.check(60)
}

func kicked(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(sc.T, sc.settings())
	c.joined()
	for n := 0; n < 150; n += 50 {
		c.post(n, n+50)
		sc.until("kicked", func() error { return sc.owner.Kick(sc.Context(), "notifier") })
	}
	c.delivered(150)
	w.check(150)
	if !strings.Contains(c.log.String(), "kicked") {
		sc.Error("the log does not tell of the kicks")
	}
}

func voice(sc *scene) {
	sc.disorder = true // a voice may come between two messages of a window: what was refused follows what was not
	sc.create(owner.Room{Moderated: true})
	w := sc.watch()
	cfg, joins := sc.settings(), 1
	if sc.name == "Vysper" { // it tells nobody of a membership: whoever comes back has it
		cfg.StallTimeout, joins = 2*time.Second, 2
	}
	c := openRoom(sc.T, cfg)
	c.post(0, 10)
	c.logged("grant the account of XMPP_JID voice")
	me := "notifier@" + sc.server.Domain
	sc.until("membership gives a voice", sc.shows(w, 10, func(ctx context.Context) error { return sc.owner.Admit(ctx, me) }))
	sc.until("silenced", func() error { return sc.owner.Mute(sc.Context(), "notifier") })
	c.post(10, 20)
	sc.until("the voice is given back", sc.shows(w, 20, func(ctx context.Context) error { return sc.owner.Voice(ctx, "notifier") }))
	c.delivered(20)
	w.check(20)
	if n := strings.Count(c.log.String(), `msg="in the room"`); n > joins {
		sc.Errorf("it came into the room %d times, not %d", n, joins)
	}
}

// shows does something until the room has shown n messages: the client may be
// between two sessions when it is done.
func (sc *scene) shows(w *watcher, n int, do func(context.Context) error) func() error {
	return func() error {
		if got := len(w.shown()); got < n {
			ctx, cancel := context.WithTimeout(sc.Context(), time.Second)
			defer cancel()
			return errors.Join(fmt.Errorf("%d shown", got), do(ctx))
		}
		return nil
	}
}

func roomMissing(sc *scene) {
	c := openRoom(sc.T, sc.settings())
	if sc.name != "Vysper" { // which says of no room that it is new
		c.logged("set XMPP_ROOM_CREATE=true")
	}
	c.stop()
	cfg := sc.settings()
	cfg.RoomCreate = true
	c = openRoom(sc.T, cfg)
	c.joined()
	w := sc.watch() // not locked: others can enter
	c.post(0, 10)
	c.delivered(10)
	w.check(10)
}

func roomDestroyed(sc *scene) {
	sc.create(owner.Room{})
	c := openRoom(sc.T, sc.settings())
	c.post(0, 50)
	if !sc.possible("destroy", func(ctx context.Context) error { return sc.owner.Destroy(ctx, "elsewhere@"+sc.server.MUC) }) {
		return
	}
	c.logged(`names \"elsewhere@` + sc.server.MUC + `\"`)
	sc.until("the room is there again", func() error {
		if _, err := sc.owner.Enter(sc.Context(), "admin", ""); err != nil {
			return err
		}
		return sc.owner.Configure(sc.Context(), owner.Room{})
	})
	c.post(50, 100)
	c.delivered(100)
	if strings.Contains(c.log.String(), "?join") {
		sc.Error("the log names an address that no setting takes")
	}
}

func textMadeToFit(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	c := openRoom(sc.T, sc.settings())
	long := strings.Repeat("ü&", 50_000)
	for _, body := range []string{long, "bad \x00\x1b\xff\uFFFE byte", " kept <as/> it & is\r\n\t]]>"} {
		sc.must(c.Submit(sc.Context(), sink.Message{Body: body, Done: func(r sink.Result) { c.done(body, r) }}))
	}
	c.delivered(3)
	w.wait(3)
	got := w.shown()
	cut, marked := strings.CutSuffix(got[0].Body, " […]")
	if !marked || !strings.HasPrefix(long, cut) || len(cut) < 20_000 {
		sc.Errorf("the long text became %d bytes, marked %v", len(got[0].Body), marked)
	}
	if got[1].Body != "bad \uFFFD\uFFFD\uFFFD\uFFFD byte" {
		sc.Errorf("the illegal text became %q", got[1].Body)
	}
	if want := " kept <as/> it & is\r\n\t]]>"; got[2].Body != want && got[2].Body != strings.ReplaceAll(want, "\r", "") {
		sc.Errorf("the awkward text became %q", got[2].Body)
	}
	sc.oneConnection()
}

// hostileOccupant says what has ended sessions of other clients, between our
// messages. Who comes later gets it as history.
func hostileOccupant(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	w.only = "notifier"
	c := openRoom(sc.T, sc.settings())
	c.post(0, 10)
	c.delivered(10)
	w.wait(10)
	evil := sc.login("other")
	_, err := evil.Enter(sc.Context(), "evil", "")
	sc.must(err)
	room := sc.room + "@" + sc.server.MUC
	attacks := sinktest.Hostile(room, "notifier", w.shown()[9].ID)
	if !sc.small {
		attacks = append(attacks, sinktest.HostileHuge(room)...)
	}
	n := 10
	for _, stanza := range attacks {
		c.post(n, n+1)
		n++
		if err := errors.Join(evil.Send(stanza), evil.Alive(sc.Context())); err != nil {
			sc.Logf("%s has cut off who sends %.300s: %v", sc.server, stanza, err)
			evil = sc.login("other")
			_, err := evil.Enter(sc.Context(), "evil", "")
			sc.must(err)
		}
	}
	c.delivered(n)
	sc.oneConnection()
	c.stop()
	next := openRoom(sc.T, sc.settings())
	next.post(n, n+10)
	next.delivered(10)
	if got := strings.Count(next.log.String(), `msg="in the room"`); got != 1 {
		sc.Errorf("the next client was in the room %d times", got)
	}
	w.check(n + 10)
}

// idle checks that silence is no reason to leave.
func idle(sc *scene) {
	sc.create(owner.Room{})
	cfg := sc.settings()
	cfg.PingInterval = time.Second
	c := openRoom(sc.T, cfg)
	c.joined()
	ctx, cancel := context.WithTimeout(sc.Context(), 4*time.Second)
	defer cancel()
	<-ctx.Done()
	c.post(0, 10)
	c.delivered(10)
	sc.oneConnection()
}

// leavesPolitely checks that the occupant has left as soon as the client is gone,
// and that only shown messages count.
func leavesPolitely(sc *scene) {
	sc.create(owner.Room{})
	c := openRoom(sc.T, sc.settings())
	c.post(0, 10)
	c.delivered(10)
	c.stop()
	next := sc.login("other")
	_, err := next.Enter(sc.Context(), "notifier", "")
	sc.must(err)
}
