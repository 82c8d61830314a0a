package sink_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

const patience = time.Minute

// startServer starts an XMPP server with one room in this process.
func startServer(t *testing.T, cfg sinktest.Config) *sinktest.Server {
	t.Helper()
	srv, err := sinktest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv
}

// settings are those of the account notifier on srv, with short pauses.
func settings(t *testing.T, srv *sinktest.Server) sink.Config {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return sink.Config{
		JID: "notifier@" + srv.Domain(), Password: config.NewSecret("notifier-pw"), Addr: srv.Addr(), TLS: "starttls",
		CAFile: ca, Room: srv.RoomJID(), IDKey: config.NewSecret("a key"),
		Limits: sink.Limits{
			MaxInFlight: 16, MaxStanzaBytes: 65000, ConnectTimeout: 10 * time.Second, PingInterval: 10 * time.Second,
			StallTimeout: 20 * time.Second, ReconnectMax: 50 * time.Millisecond,
		},
	}
}

// impatient is cfg for a server that falls silent or loses a message. On a busy
// machine it may take others for such.
func impatient(cfg sink.Config) sink.Config {
	cfg.PingInterval, cfg.StallTimeout = 500*time.Millisecond, 2*time.Second
	return cfg
}

// client is a room under test, and what became of its messages.
type client struct {
	*sink.Room
	t    *testing.T
	stop func()
	log  *lines

	mu      sync.Mutex
	results map[string]sink.Result
	changed chan struct{}
}

// lines is a log to look into.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func openRoom(t *testing.T, cfg sink.Config) *client {
	t.Helper()
	return openRoomBy(t, cfg, nil)
}

// openRoomBy opens a room that connects by dial, nil for the network's way.
func openRoomBy(t *testing.T, cfg sink.Config, dial sink.Dialer) *client {
	t.Helper()
	return openPrepared(t, cfg, dial, func(*sink.Room) {})
}

// openPrepared opens a room that is prepared before it runs.
func openPrepared(t *testing.T, cfg sink.Config, dial sink.Dialer, prepare func(*sink.Room)) *client {
	t.Helper()
	log := &lines{}
	var options []sink.Option
	if dial != nil {
		options = append(options, sink.WithDialer(dial))
	}
	room, err := sink.New(cfg, slog.New(slog.NewTextHandler(log, nil)), options...)
	if err != nil {
		t.Fatal(err)
	}
	prepare(room)
	ctx, cancel := context.WithCancel(context.Background())
	c := &client{Room: room, t: t, log: log, results: map[string]sink.Result{}, changed: make(chan struct{}, 1)}
	var running sync.WaitGroup
	running.Go(func() {
		if err := room.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	c.stop = func() { cancel(); running.Wait() }
	t.Cleanup(func() {
		c.stop()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return c
}

// joined waits until the client is in the room.
func (c *client) joined() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if err := c.Joined(ctx); err != nil {
		c.t.Fatal("not in the room:", err)
	}
}

// post submits messages from..to-1. Their identity is their body.
func (c *client) post(from, to int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for i := from; i < to; i++ {
		body := fmt.Sprintf("message %d", i)
		err := c.Submit(ctx, sink.Message{Identity: body, Body: body, Done: func(r sink.Result) { c.done(body, r) }})
		if err != nil {
			c.t.Fatalf("submit %q: %v", body, err)
		}
	}
}

func (c *client) done(body string, r sink.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.results[body]; twice {
		c.t.Errorf("%q was settled twice", body)
	}
	c.results[body] = r
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// settled waits until n messages have been settled, and returns the results.
func (c *client) settled(n int) map[string]sink.Result {
	c.t.Helper()
	limit := time.After(patience)
	for {
		c.mu.Lock()
		got := len(c.results)
		c.mu.Unlock()
		if got >= n {
			return c.results
		}
		select {
		case <-c.changed:
		case <-limit:
			c.t.Fatalf("%d of %d messages were settled", got, n)
		}
	}
}

// delivered waits until n messages have been settled, all of them shown.
func (c *client) delivered(n int) {
	c.t.Helper()
	c.settledAs(sink.Delivered, n)
}

// suppressed waits until n messages have been settled, none of them sent, because
// the room was known to have shown them.
func (c *client) suppressed(n int) {
	c.t.Helper()
	c.settledAs(sink.Suppressed, n)
}

func (c *client) settledAs(want sink.Outcome, n int) {
	c.t.Helper()
	for body, r := range c.settled(n) {
		if r.Outcome != want {
			c.t.Errorf("%q: outcome %d, %v", body, r.Outcome, r.Err)
		}
	}
}

// shown returns the bodies in the room's transcript.
func shown(srv *sinktest.Server) []string {
	var bodies []string
	for _, p := range srv.Transcript() {
		bodies = append(bodies, p.Body)
	}
	return bodies
}

func bodies(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("message %d", i))
	}
	return list
}

func checkShown(t *testing.T, srv *sinktest.Server, want []string) {
	t.Helper()
	if got := shown(srv); !slices.Equal(got, want) {
		t.Errorf("the room has shown %d messages %.300q, want %d %.100q", len(got), got, len(want), want)
	}
}

func TestDeliversInOrderOverBothKindsOfTLSAndAllMechanisms(t *testing.T) {
	for _, mechanism := range []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"} {
		for _, mode := range []string{"starttls", "direct"} {
			t.Run(mechanism+" "+mode, func(t *testing.T) {
				srv := startServer(t, sinktest.Config{Mechanisms: []string{mechanism}})
				cfg := settings(t, srv)
				if cfg.TLS = mode; mode == "direct" {
					cfg.Addr = srv.DirectTLSAddr()
				}
				c := openRoom(t, cfg)
				c.post(0, 100)
				c.delivered(100)
				checkShown(t, srv, bodies(100))
			})
		}
	}
}

// Every fault strikes while 300 messages are in flight. All of them must be
// shown exactly once, in order.
func TestFaultsCostNothing(t *testing.T) {
	faults := map[string]func(srv *sinktest.Server){
		"connection reset":           func(srv *sinktest.Server) { srv.DropConnections() },
		"cut before the reflection":  func(srv *sinktest.Server) { srv.CutAfterPosts(7) },
		"cut before the room":        func(srv *sinktest.Server) { srv.CutBeforePosts(7) },
		"stream closed":              func(srv *sinktest.Server) { srv.CloseStreams() },
		"stream error":               func(srv *sinktest.Server) { srv.StreamError("system-shutdown", "bye") },
		"black hole":                 func(srv *sinktest.Server) { srv.Blackhole() },
		"kick":                       func(srv *sinktest.Server) { srv.Kick("notifier", 307) },
		"removed by an error":        func(srv *sinktest.Server) { srv.Kick("notifier", 333) },
		"membership revoked":         func(srv *sinktest.Server) { srv.Kick("notifier", 321) },
		"voice taken and given back": func(srv *sinktest.Server) { srv.RemoveVoice("notifier"); srv.GiveVoice("notifier") },
		"nickname taken in between":  func(srv *sinktest.Server) { srv.DropConnections(); srv.TakeNick("notifier") },
		"chat service restarted": func(srv *sinktest.Server) {
			srv.SuspendRoom(sinktest.StanzaError{Type: "cancel", Condition: "remote-server-not-found"})
			srv.ResumeRoom()
		},
		"room password set for a while": func(srv *sinktest.Server) {
			srv.SetRoomPassword("secret")
			srv.Kick("notifier", 307)
			srv.SetRoomPassword("")
		},
		"message swallowed":            func(srv *sinktest.Server) { srv.LoseNext(1) },
		"orderly shutdown":             func(srv *sinktest.Server) { srv.Shutdown(); _ = srv.Start() },
		"restart with kept history":    func(srv *sinktest.Server) { _ = srv.Restart() },
		"hostile stanza":               func(srv *sinktest.Server) { srv.InjectRaw(hostile) },
		"broken XML":                   func(srv *sinktest.Server) { srv.InjectRaw("<message><!-- x --></message>") },
		"ban, lifted":                  func(srv *sinktest.Server) { srv.Ban("notifier"); srv.Unban("notifier") },
		"room destroyed and recreated": func(srv *sinktest.Server) { srv.DestroyRoom("", ""); srv.CreateRoom() },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, sinktest.Config{KeepHistory: true, HistorySize: 50})
			cfg := settings(t, srv)
			if name == "black hole" || name == "message swallowed" {
				cfg = impatient(cfg)
			}
			c := openRoom(t, cfg)
			c.joined()
			c.post(0, 100)
			fault(srv)
			c.post(100, 300)
			c.delivered(300)
			if name == "message swallowed" {
				return // what follows a lost message overtakes it
			}
			checkShown(t, srv, bodies(300))
		})
	}
}

// hostile is what another occupant may send through the room.
const hostile = `<message xmlns:a='urn:a' from='alerts@conference.xmpp.test/evil' type='groupchat' a:id='x' id='y'>` +
	`<x xmlns='urn:x'><message xmlns='jabber:client'><body>nested</body></message></x><body/></message>` +
	`<presence from='alerts@conference.xmpp.test/evil'><priority>abc</priority></presence>` +
	`<iq type='get' id='q' from='alerts@conference.xmpp.test/evil'><query xmlns='urn:x'/></iq>` +
	`<presence type='unavailable' from='alerts@conference.xmpp.test/evil'><x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x></presence>`

func TestMessageTheRoomRefusesIsRejectedAndHoldsNothingUp(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	srv.BounceMatching(func(p sinktest.Post) bool { return p.Body == "message 5" },
		sinktest.StanzaError{Type: "modify", Condition: "policy-violation", Text: "too rude"}, -1)
	c := openRoom(t, settings(t, srv))
	c.post(0, 10)
	results := c.settled(10)
	for body, r := range results {
		want := sink.Delivered
		if body == "message 5" {
			want = sink.Rejected
		}
		if r.Outcome != want {
			t.Errorf("%s: outcome %d, %v", body, r.Outcome, r.Err)
		}
	}
	if err := results["message 5"].Err; err == nil || !strings.Contains(err.Error(), `policy-violation ("too rude")`) {
		t.Errorf("the reason is %v", err)
	}
}

func TestUnclearBounceIsTheMessagesOnlyAfterFreshJoins(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	never := sinktest.StanzaError{Type: "modify", Condition: "not-acceptable"}
	srv.BounceMatching(func(p sinktest.Post) bool { return p.Body == "message 1" }, never, -1)
	srv.BounceMatching(func(p sinktest.Post) bool { return p.Body == "message 2" }, never, 1)
	c := openRoom(t, settings(t, srv))
	c.post(0, 4)
	results := c.settled(4)
	if results["message 1"].Outcome != sink.Rejected || results["message 2"].Outcome != sink.Delivered {
		t.Errorf("got %v", results)
	}
}

func TestAnotherWorkerDoesNotRepeatWhatTheRoomHasShown(t *testing.T) {
	srv := startServer(t, sinktest.Config{HistorySize: 20})
	first := openRoom(t, settings(t, srv))
	second := openRoom(t, settings(t, srv))
	second.joined()
	first.post(0, 100)
	first.delivered(100)
	second.post(100, 101) // once this is shown, it has seen all before
	second.delivered(1)
	t.Run("seen live", func(t *testing.T) {
		second.post(0, 50)
		for body, r := range second.settled(51) {
			if r.Outcome != sink.Suppressed && body != "message 100" {
				t.Errorf("%s: outcome %d", body, r.Outcome)
			}
		}
	})
	t.Run("told by the history", func(t *testing.T) {
		third := openRoom(t, settings(t, srv))
		third.joined()
		third.post(85, 100)
		third.suppressed(15)
	})
	checkShown(t, srv, bodies(101))
}

func TestOthersCanNeitherFakeNorSuppressADelivery(t *testing.T) {
	srv := startServer(t, sinktest.Config{Users: map[string]string{"notifier": "notifier-pw"}})
	c := openRoom(t, settings(t, srv))
	c.post(0, 1)
	c.delivered(1)
	id := srv.Transcript()[0].ID
	// Knowing one id helps with no other: same shape, other content.
	srv.PostAs("evil", id[:len(id)-1]+"A", "forged")
	srv.PostAs("evil", id, "repeated")
	srv.HoldReflections()
	c.post(1, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := srv.Wait(ctx, func() bool { return len(srv.Transcript()) == 4 }); err != nil {
		t.Fatal(err)
	}
	id = srv.Transcript()[3].ID
	evil := srv.RoomJID() + "/evil"
	srv.InjectRaw(fmt.Sprintf("<message type='groupchat' from='%s' id='%s'><body/></message>", evil, id))
	srv.InjectRaw(fmt.Sprintf("<message type='groupchat' from='%s' xmlns:a='b' a:from='%s/notifier' id='%s'><body/></message>", evil, srv.RoomJID(), id))
	srv.InjectRaw(fmt.Sprintf("<message type='error' from='%s' id='%s'><error type='modify'>"+
		"<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", evil, id))
	c.stop() // reads everything up to the server's last words
	if r := c.settled(2)["message 1"]; r.Outcome != sink.Dropped {
		t.Errorf("settled by somebody else's stanza: outcome %d, %v", r.Outcome, r.Err)
	}
}

func TestLongAndIllegalTextIsMadeToFit(t *testing.T) {
	srv := startServer(t, sinktest.Config{MaxStanzaBytes: 4000, AdvertiseLimits: true})
	c := openRoom(t, settings(t, srv))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	long := strings.Repeat("ü&", 5000)
	for _, body := range []string{long, "bad \x00\x1b\xff byte"} {
		err := c.Submit(ctx, sink.Message{Body: body, Done: func(r sink.Result) { c.done(body, r) }})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.delivered(2)
	got := shown(srv)
	cut, marked := strings.CutSuffix(got[0], " […]")
	if !marked || !strings.HasPrefix(long, cut) || len(cut) < 1000 {
		t.Errorf("the long text became %d bytes, marked %v", len(got[0]), marked)
	}
	if got[1] != "bad \uFFFD\uFFFD\uFFFD byte" {
		t.Errorf("the illegal text became %q", got[1])
	}
}

func TestTakenNicknameGetsASuffix(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	srv.TakeNick("notifier")
	c := openRoom(t, settings(t, srv))
	c.post(0, 5)
	c.delivered(5)
	if nick := srv.Transcript()[0].Nick; !strings.HasPrefix(nick, "notifier-") {
		t.Errorf("posted as %q", nick)
	}
}

func TestPreferredNicknameIsTakenBackWhenItIsFree(t *testing.T) {
	srv := startServer(t, sinktest.Config{KeepHistory: true})
	srv.TakeNick("notifier")
	c := openRoom(t, settings(t, srv))
	c.post(0, 10)
	srv.FreeNick("notifier")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := srv.WaitOccupant(ctx, "notifier"); err != nil {
		t.Fatal("the nickname was not taken back:", err)
	}
	c.post(10, 20)
	c.delivered(20)
	checkShown(t, srv, bodies(20))
}

// checkRepeats checks the same where nothing tells what arrived before a connection
// broke: what was in flight then is shown again, in order, and counted.
func (c *client) checkRepeats(srv *sinktest.Server, want []string) {
	c.t.Helper()
	var once []string
	all := shown(srv)
	for _, body := range all {
		if !slices.Contains(once, body) {
			once = append(once, body)
		}
	}
	if !slices.Equal(once, want) {
		c.t.Errorf("the room has shown %d different messages %.300q, want %d", len(once), once, len(want))
	}
	counted := 0
	for _, found := range regexp.MustCompile(`possible_duplicates=(\d+)`).FindAllStringSubmatch(c.log.String(), -1) {
		n, _ := strconv.Atoi(found[1])
		counted += n
	}
	if repeats := len(all) - len(once); repeats > counted || counted > 16 {
		c.t.Errorf("%d are shown twice, %d counted", repeats, counted)
	}
}

// Without ids there is the origin id. Without that, the text and order of what the
// room shows live; what it has shown before it cannot tell.
func TestRoomsThatDoNotKeepIDs(t *testing.T) {
	for name, profile := range map[string]sinktest.Profile{
		"ids replaced":                     {IDs: sinktest.ReplaceIDs},
		"ids dropped":                      {IDs: sinktest.DropIDs},
		"ids and all but the body dropped": {IDs: sinktest.DropIDs, OnlyBody: true},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, sinktest.Config{Profile: profile, HistorySize: 50})
			c := openRoom(t, settings(t, srv))
			c.joined()
			c.post(0, 100)
			srv.CutAfterPosts(3)
			c.post(100, 200)
			c.delivered(200)
			if profile.OnlyBody {
				c.checkRepeats(srv, bodies(200))
			} else {
				checkShown(t, srv, bodies(200))
			}
		})
	}
}

func TestChannelBindingIsUsedWhereTheServerTakesIt(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  sinktest.Config
		want string
	}{
		"exporter":       {sinktest.Config{Mechanisms: []string{"SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}}, "SCRAM-SHA-256-PLUS"},
		"end point":      {sinktest.Config{Mechanisms: []string{"SCRAM-SHA-1-PLUS"}, ChannelBindings: []string{"tls-server-end-point"}}, "SCRAM-SHA-1-PLUS"},
		"none that fits": {sinktest.Config{Mechanisms: []string{"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"}, ChannelBindings: []string{"tls-unique"}}, "SCRAM-SHA-1"},
		"PLAIN has none": {sinktest.Config{Mechanisms: []string{"PLAIN-PLUS", "SCRAM-SHA-1-PLUS", "PLAIN"}, ChannelBindings: []string{"tls-exporter"}}, "SCRAM-SHA-1-PLUS"},
		"PLAIN alone":    {sinktest.Config{Mechanisms: []string{"PLAIN-PLUS", "PLAIN"}}, "PLAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, tc.cfg)
			openRoom(t, settings(t, srv)).joined()
			if got := srv.Sessions()[0].Mechanism; got != tc.want {
				t.Errorf("logged in with %s, want %s", got, tc.want)
			}
		})
	}
}

func TestServerMayChangeTheNickname(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	srv.RenameOnJoin("somebody")
	c := openRoom(t, settings(t, srv))
	c.post(0, 5)
	c.delivered(5)
}

// A service may give us another nickname while we post (303). That ends nothing, what
// is shown from there is ours, and the log says it.
func TestServiceMayChangeTheNicknameAtAnyTime(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	c.post(0, 5)
	c.delivered(5)
	srv.SlowRoom(20 * time.Millisecond)
	c.post(5, 15)
	srv.Rename("notifier", "guest1")
	c.post(15, 20)
	c.delivered(20)
	checkShown(t, srv, bodies(20))
	if n := srv.Stats().Connections; n > 2 { // once more to take the nickname back
		t.Errorf("it took %d connections", n)
	}
	log := c.log.String()
	if !strings.Contains(log, `msg="the room has given us another nickname" room=alerts@conference.xmpp.test nick=guest1`) || strings.Contains(log, "left the room") {
		t.Error("the log does not say that the nickname was changed")
	}
}

// What the room shows under the new nickname, and we do not hear, is ours in the
// history as well.
func TestWhatIsShownUnderANewNicknameIsNotSentAgain(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	c.post(0, 1)
	c.delivered(1)
	srv.HoldReflections()
	srv.SlowRoom(50 * time.Millisecond)
	c.post(1, 9)
	srv.Rename("notifier", "guest1")
	if _, err := srv.WaitPosts(t.Context(), 9); err != nil {
		t.Fatal(err)
	}
	srv.DropConnections()
	srv.ReleaseReflections()
	c.delivered(9)
	checkShown(t, srv, bodies(9))
}

func TestHabitsOfOtherServers(t *testing.T) {
	for name, cfg := range map[string]sinktest.Config{
		"ejabberd": {Profile: sinktest.Ejabberd()},
		"jabberd2": {Profile: sinktest.Jabberd2(), Mechanisms: []string{"PLAIN"}, MaxStanzaBytes: 65408, HistorySize: 40},
		"Openfire": {Profile: sinktest.Openfire(), MaxStanzaBytes: 1 << 20, AdvertiseLimits: true, HistorySize: 25},
		"Vysper":   {Profile: sinktest.Vysper(), Mechanisms: []string{"PLAIN"}},
		// CommuniGate Pro and Oracle Communications IM, as far as that is known:
		// accounts in LDAP, and nothing promised of ids.
		"unstable": {Profile: sinktest.Unstable(), Mechanisms: []string{"PLAIN"}},
		"session":  {Profile: sinktest.Profile{SessionRequired: true}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, cfg)
			c := openRoom(t, settings(t, srv))
			c.joined()
			c.post(0, 100)
			srv.DropConnections()
			c.post(100, 200)
			c.delivered(200)
			if name == "unstable" {
				c.checkRepeats(srv, bodies(200))
			} else {
				checkShown(t, srv, bodies(200))
			}
		})
	}
}

// Where the server answers for its rooms, answers may overtake the history. Who
// takes another worker's place must not send before all of it is there.
func TestHistoryThatAnswersOvertakeIsAwaited(t *testing.T) {
	srv := startServer(t, sinktest.Config{Profile: sinktest.Vysper(), Mechanisms: []string{"PLAIN"}})
	first := openRoom(t, settings(t, srv))
	first.post(0, 20)
	first.delivered(20)
	first.stop()
	next := openRoom(t, settings(t, srv))
	next.joined()
	next.post(0, 20)
	next.suppressed(20)
	checkShown(t, srv, bodies(20))
}

func TestStopLeavesTheRoomAndGivesBack(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	c.joined()
	srv.HoldReflections()
	c.post(0, 5)
	c.stop()
	for body, r := range c.settled(5) {
		if r.Outcome != sink.Dropped {
			t.Errorf("%s: outcome %d", body, r.Outcome)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if srv.Wait(ctx, func() bool { return len(srv.Occupants()) == 0 && len(srv.Sessions()) == 0 }) != nil {
		t.Error("still in the room after the stop")
	}
	if err := c.Submit(t.Context(), sink.Message{}); err != sink.ErrClosed { //nolint:errorlint // the sentinel itself
		t.Errorf("submit after the stop: %v", err)
	}
}

func TestLostMessagesAreNotSent(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	c.joined()
	srv.Ban("notifier")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := srv.Wait(ctx, func() bool { return len(srv.Occupants()) == 0 }); err != nil {
		t.Fatal(err)
	}
	lost := make(chan struct{})
	if err := c.Submit(ctx, sink.Message{Body: "lost", Lost: lost, Done: func(r sink.Result) { c.done("lost", r) }}); err != nil {
		t.Fatal(err)
	}
	close(lost)
	srv.Unban("notifier")
	if r := c.settled(1)["lost"]; r.Outcome != sink.Dropped {
		t.Errorf("outcome %d", r.Outcome)
	}
	if len(shown(srv)) != 0 {
		t.Error("a lost message was shown")
	}
}
