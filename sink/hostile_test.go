package sink_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// Every hostile stanza comes as a server passes it on, in the middle of our
// messages. It costs nothing, not even the connection.
func TestSessionSurvivesHostileStanzas(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	c.post(0, 1)
	c.delivered(1)
	room, id := srv.RoomJID(), srv.Transcript()[0].ID
	attacks := append(sinktest.Hostile(room, "notifier", id), "<broken a=b/>", "<x a='1' =/>")
	for _, huge := range sinktest.HostileHuge(room) {
		quotes := strings.Repeat("'", 200_000)
		attacks = append(attacks, huge, strings.Replace(huge, quotes, strings.Repeat("&apos;", len(quotes)), 1))
	}
	for i, stanza := range attacks {
		kind, rest, _ := strings.Cut(strings.TrimPrefix(stanza, "<"), " ")
		srv.InjectRaw("<" + kind + " from='" + room + "/evil' " + strings.Replace(rest, "to='"+room, "xml:lang='"+room, 1))
		c.post(i+1, i+2)
	}
	n := len(attacks) + 1
	c.delivered(n)
	checkShown(t, srv, bodies(n))
	if got := srv.Stats().Connections; got != 1 {
		t.Errorf("it took %d connections", got)
	}
}

// Services show the id of a join to everybody. Whoever makes use of it cannot
// answer for the room.
func TestOthersCannotAnswerForTheRoom(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	c.joined()
	id := srv.Joins()[0].ID
	for _, suffix := range []string{"-ping", "-fence", "-archive", "-info", "-configure", "-cancel"} {
		srv.InjectRaw(fmt.Sprintf("<iq type='error' from='%s/evil' id='%s%s'><error type='cancel'>"+
			"<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", srv.RoomJID(), id, suffix))
	}
	c.post(0, 5)
	c.delivered(5)
	if got := srv.Stats().Connections; got != 1 {
		t.Errorf("it took %d connections", got)
	}
}

// The list of occupants comes before our own presence. Somebody in it who has our
// nickname is not us, if the room gives us another.
func TestSeatOfAnotherIsNotOurs(t *testing.T) {
	profile := sinktest.Vysper()
	srv := startServer(t, sinktest.Config{Profile: profile, Mechanisms: []string{"PLAIN"}})
	srv.TakeNick("notifier")
	c := openRoom(t, settings(t, srv))
	c.post(0, 5)
	c.delivered(5)
	if nick := srv.Transcript()[0].Nick; nick != "notifier_1" {
		t.Errorf("posted as %q", nick)
	}
	if got := srv.Stats().Connections; got != 1 {
		t.Errorf("it took %d connections", got)
	}
}

func TestAllNicknamesTakenIsAnError(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	srv.RefuseJoins(sinktest.StanzaError{Type: "cancel", Condition: "conflict"}, -1)
	c := openRoom(t, settings(t, srv))
	c.logged("set XMPP_NICK to another")
	if joins, connections := len(srv.Joins()), srv.Stats().Connections; joins > 5*connections {
		t.Errorf("%d attempts to join in %d connections", joins, connections)
	}
	srv.ClearFaults()
	c.post(0, 5)
	c.delivered(5)
}

func TestRoomThatNobodyWantedIsNotLeftBehind(t *testing.T) {
	srv := startServer(t, sinktest.Config{RoomMissing: true})
	c := openRoom(t, settings(t, srv))
	c.logged("set XMPP_ROOM_CREATE=true")
	c.logged("set XMPP_ROOM_CREATE=true") // it is the same the second time
	c.stop()
	if n := len(srv.Occupants()); n != 0 {
		t.Errorf("%d are in the room", n)
	}
	cfg := settings(t, srv)
	cfg.RoomCreate = true
	openRoom(t, cfg).joined()
	openRoom(t, settings(t, srv)).joined() // it is open to others
}

func TestWhereADestroyedRoomWentIsTold(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	c.joined()
	srv.DestroyRoom("other@conference.xmpp.test", "moved")
	c.logged(`the room was destroyed (\"moved\"): its owner names \"other@conference.xmpp.test\"`)
	c.logged(`gone: its owner names \"other@conference.xmpp.test\" as the place to go: set XMPP_ROOM`)
	srv.CreateRoom()
	c.post(0, 5)
	c.delivered(5)
}

// A server that does not tell its limit ends the stream. Its limit is learnt,
// and the message is shown, cut.
func TestLimitOfTheServerIsLearnt(t *testing.T) {
	srv := startServer(t, sinktest.Config{MaxStanzaBytes: 20_000})
	c := openRoom(t, settings(t, srv))
	long := strings.Repeat("lang ", 12_000)
	err := c.Submit(t.Context(), sink.Message{Identity: "long", Body: long, Done: func(r sink.Result) { c.done("long", r) }})
	if err != nil {
		t.Fatal(err)
	}
	c.post(0, 5)
	c.delivered(6)
	got := shown(srv)
	if cut, marked := strings.CutSuffix(got[0], " […]"); len(got) != 6 || !marked || len(cut) < 10_000 || !strings.HasPrefix(long, cut) {
		t.Errorf("the room shows %d messages, the first of %d bytes, marked %v", len(got), len(got[0]), marked)
	}
	if !strings.Contains(c.log.String(), "set XMPP_MAX_STANZA_BYTES") {
		t.Error("the log does not tell what to set")
	}
}

// A history shorter than what is in flight cannot tell all. No more is then
// sent at once, and nothing is shown twice.
func TestWhatIsOnItsWayIsKeptWithinTheHistory(t *testing.T) {
	srv := startServer(t, sinktest.Config{HistorySize: 5})
	c := openRoom(t, settings(t, srv))
	n := 0
	for range 3 {
		c.post(n, n+40)
		n += 40
		c.delivered(n)
		srv.DropConnections()
	}
	c.logged("lower XMPP_MAX_IN_FLIGHT")
	c.post(n, n+40)
	n += 40
	c.delivered(n)
	checkShown(t, srv, bodies(n))
	srv.CutAfterPosts(30)
	c.post(n, n+40)
	c.delivered(n + 40)
	checkShown(t, srv, bodies(n+40))
}

func TestWrongKindOfTLSIsNamed(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	for mode, fix := range map[string]string{"direct": "set XMPP_TLS=starttls", "starttls": "set XMPP_TLS=direct"} {
		cfg := settings(t, srv)
		if cfg.TLS = mode; mode == "starttls" {
			cfg.Addr = srv.DirectTLSAddr()
		}
		openRoom(t, cfg).logged(fix)
	}
}
