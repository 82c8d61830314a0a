package sinktest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

func TestWatchComesBeforeTheReflection(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	watched := make(chan sinktest.Post, 1)
	reflectedEarly := false
	stop := srv.Watch(func(p sinktest.Post) {
		for range 100 { // a reflection that was on its way would be here by now
			srv.Stats()
		}
		reflectedEarly = reflectedEarly || len(c.in) > 0
		watched <- p
	})
	c.say("1", "one")
	c.heard("notifier", "1")
	if p := <-watched; p.ID != "1" || reflectedEarly {
		t.Errorf("watched %+v, reflected before: %v", p, reflectedEarly)
	}
	stop()
	c.say("2", "two")
	c.heard("notifier", "2")
	if len(watched) != 0 {
		t.Error("the watch goes on after its end")
	}
}

func TestFaultsFromAWatcher(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.Watch(func(sinktest.Post) { srv.Kick("notifier", 307) })
	c.say("1", "one")
	c.until("kick", func(s stanza) bool { return s.has("307") && s.has("110") })
	wantEqual(t, "transcript", bodies(srv.Transcript()), []string{"one"})
}

func TestHoldAndReleaseReflections(t *testing.T) {
	srv := start(t, sinktest.Config{})
	author, other := inside(t, srv, notifier(), "notifier"), inside(t, srv, observer(), "observer")
	srv.HoldReflections()
	author.say("1", "one")
	author.say("2", "two")
	other.heard("notifier", "2")
	for _, s := range author.ping() {
		if s.XMLName.Local == "message" {
			t.Errorf("a reflection in spite of the hold: %+v", s)
		}
	}
	srv.ReleaseReflections()
	author.heard("notifier", "1")
	author.heard("notifier", "2")
}

func TestCutAfterPosts(t *testing.T) {
	srv := start(t, sinktest.Config{})
	author, other := inside(t, srv, notifier(), "notifier"), inside(t, srv, observer(), "observer")
	srv.CutAfterPosts(3)
	for i := 1; i <= 2; i++ {
		author.say(fmt.Sprint(i), "x")
		author.heard("notifier", fmt.Sprint(i))
	}
	author.say("3", "the last")
	for _, s := range author.ended() {
		if s.ID == "3" {
			t.Error("the last message was reflected")
		}
	}
	other.heard("notifier", "3")
	other.until("leave", func(s stanza) bool { return s.From == srv.RoomJID()+"/notifier" && s.Type == "unavailable" })
	again := inside(t, srv, notifier(), "notifier")
	again.say("4", "x")
	again.heard("notifier", "4")
}

func TestCutBeforePosts(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.CutBeforePosts(1)
	c.say("1", "lost")
	c.ended()
	if got := srv.Transcript(); len(got) != 0 {
		t.Errorf("transcript %v", got)
	}
}

func TestLoseAndBounce(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.LoseNext(2)
	for _, id := range []string{"lost1", "lost2", "3"} {
		c.say(id, id)
	}
	c.heard("notifier", "3")
	srv.Bounce(sinktest.StanzaError{Condition: "resource-constraint", Text: "busy & full"}, 1)
	srv.BounceMatching(func(p sinktest.Post) bool { return p.Body == "poison" }, sinktest.StanzaError{Type: "cancel", Condition: "policy-violation"}, -1)
	c.say("4", "four")
	if got := c.bounced("4"); !strings.Contains(got.Inner, "type='wait'") || !strings.Contains(got.Inner, "<resource-constraint") || !strings.Contains(got.Inner, "busy &amp; full") {
		t.Errorf("bounce %s", got.Inner)
	}
	c.say("5", "poison")
	c.say("6", "poison")
	c.bounced("5")
	c.bounced("6")
	srv.ClearFaults()
	c.say("7", "poison")
	c.heard("notifier", "7")
	wantEqual(t, "transcript", bodies(srv.Transcript()), []string{"3", "poison"})
	if got := srv.Stats(); got.Lost != 2 || got.Bounced != 3 {
		t.Errorf("stats %+v", got)
	}
}

func TestBanAndVoice(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	var turnedAway []string
	srv.WatchTurnedAway(func(p sinktest.Post) { turnedAway = append(turnedAway, p.ID+": "+p.Body) })
	srv.RemoveVoice("notifier")
	c.until("loss of voice", func(s stanza) bool { return s.has("110") && s.User.Item.Role == "visitor" })
	c.say("1", "mute")
	if got := c.bounced("1"); !strings.Contains(got.Inner, "<forbidden") {
		t.Errorf("no voice: %s", got.Inner)
	}
	wantEqual(t, "turned away", turnedAway, []string{"1: mute"})
	srv.GiveVoice("notifier")
	c.until("voice", func(s stanza) bool { return s.has("110") && s.User.Item.Role == "participant" })
	srv.Ban("notifier")
	if got := c.until("ban", func(s stanza) bool { return s.has("301") }); got.User.Item.Affiliation != "outcast" || !got.has("110") {
		t.Errorf("ban: %+v", got)
	}
	if got := c.refused("notifier", ""); !strings.Contains(got.Inner, "<forbidden") {
		t.Errorf("banned: %s", got.Inner)
	}
	srv.Unban("notifier")
	c.join("notifier")
}

func TestJoinFaults(t *testing.T) {
	srv := start(t, sinktest.Config{RoomPassword: "sesame"})
	c := login(t, srv, notifier())
	if got := c.refused("notifier", ""); !strings.Contains(got.Inner, "<not-authorized") {
		t.Errorf("no password: %s", got.Inner)
	}
	if got := c.refused("notifier", "<password>wrong</password>"); !strings.Contains(got.Inner, "<not-authorized") {
		t.Errorf("wrong password: %s", got.Inner)
	}
	srv.RefuseJoins(sinktest.StanzaError{Condition: "registration-required"}, 1)
	if got := c.refused("notifier", "<password>sesame</password>"); !strings.Contains(got.Inner, "<registration-required") {
		t.Errorf("refused: %s", got.Inner)
	}
	srv.RenameOnJoin("renamed")
	c.ask("notifier", "<password>sesame</password>")
	if got := c.until("self-presence", func(s stanza) bool { return s.has("110") }); !got.has("210") || got.From != srv.RoomJID()+"/renamed" {
		t.Errorf("renamed: %+v", got)
	}
	joins := srv.Joins()
	if len(joins) != 4 || joins[1].Password != "wrong" || joins[2].Refused != "registration-required" || joins[3].Nick != "renamed" {
		t.Errorf("joins %+v", joins)
	}
}

func TestStrangersInTheRoom(t *testing.T) {
	srv := start(t, sinktest.Config{})
	srv.TakeNick("notifier")
	c := login(t, srv, notifier())
	if got := c.refused("notifier", ""); !strings.Contains(got.Inner, "<conflict") {
		t.Errorf("taken: %s", got.Inner)
	}
	c.join("notifier2")
	srv.FreeNick("notifier")
	c.until("leave of the stranger", func(s stanza) bool { return s.From == srv.RoomJID()+"/notifier" && s.Type == "unavailable" })
	srv.PostAs("stranger", "p1", "hello <you>")
	if got := c.heard("stranger", "p1"); got.body() != "hello <you>" {
		t.Errorf("post %+v", got)
	}
	srv.InjectRaw("<message type='groupchat' from='room@nowhere/x' id='raw'><body>evil</body></message>")
	c.until("raw stanza", func(s stanza) bool { return s.ID == "raw" && s.From == "room@nowhere/x" })
	wantEqual(t, "transcript", bodies(srv.Transcript()), []string{"hello <you>"})
}

func TestDestroyAndCreate(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.DestroyRoom("new@conference.xmpp.test", "moved")
	if got := c.until("destroy", func(s stanza) bool { return s.Type == "unavailable" }); !got.has("110") ||
		!strings.Contains(got.Inner, "<destroy jid='new@conference.xmpp.test'><reason>moved</reason></destroy>") {
		t.Errorf("destroyed: %s", got.Inner)
	}
	c.say("1", "one")
	if got := c.bounced("1"); !strings.Contains(got.Inner, "xmpp:new@conference.xmpp.test?join</gone>") {
		t.Errorf("bounce %s", got.Inner)
	}
	if got := c.refused("notifier", ""); !strings.Contains(got.Inner, "<gone") {
		t.Errorf("join %s", got.Inner)
	}
	srv.CreateRoom()
	c.join("notifier")
}

func TestSuspendRoom(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.SuspendRoom(sinktest.StanzaError{})
	c.until("332", func(s stanza) bool { return s.has("332") && s.has("110") })
	c.say("1", "one")
	if got := c.bounced("1"); !strings.Contains(got.Inner, "<service-unavailable") {
		t.Errorf("bounce %s", got.Inner)
	}
	c.refused("notifier", "")
	srv.ResumeRoom()
	c.join("notifier")
}
