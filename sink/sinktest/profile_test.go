package sinktest_test

import (
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

func TestEjabberdProfile(t *testing.T) {
	srv := start(t, sinktest.Config{Profile: sinktest.Ejabberd()})
	c := login(t, srv, notifier())
	c.say("1", "outside")
	if got := c.bounced("1"); !strings.Contains(got.Inner, "type='modify'") || got.body() != "outside" {
		t.Errorf("bounce %s", got.Inner)
	}
	c.ask("notifier", "")
	if got := c.until("presence", func(s stanza) bool { return s.XMLName.Local == "presence" }); got.From != srv.RoomJID() {
		t.Errorf("first presence from %s", got.From)
	}
	c.until("subject", func(s stanza) bool { return s.Subject != nil })
	c.say("2", "two")
	c.heard("notifier", "2")
	srv.DestroyRoom("", "")
	if got := c.until("destroy", func(s stanza) bool { return s.Type == "unavailable" }); got.has("110") || !strings.Contains(got.Inner, "<destroy") {
		t.Errorf("destroyed: %s", got.Inner)
	}
	if self := c.join("notifier"); !self.has("201") {
		t.Errorf("the room was not created again: %+v", self)
	}
}

func TestJabberd2Profile(t *testing.T) {
	srv := start(t, sinktest.Config{Profile: sinktest.Jabberd2(), MaxStanzaBytes: 65408})
	c := login(t, srv, notifier())
	c.ask("notifier", "")
	for _, s := range c.ping() {
		if s.XMLName.Local == "presence" {
			t.Errorf("presence before the initial presence: %+v", s)
		}
	}
	c.send("<presence/>")
	c.ask("notifier", "")
	c.until("self-presence", func(s stanza) bool { return s.has("110") })
	if got := c.until("room name", func(s stanza) bool { return s.XMLName.Local == "message" }); got.From != srv.RoomJID() || got.body() != "alerts" || got.Subject != nil {
		t.Errorf("end of join: %+v", got)
	}
	if got := login(t, srv, notifier()).refused("notifier", ""); !strings.Contains(got.Inner, "<conflict") {
		t.Errorf("second session: %s", got.Inner)
	}
	me := srv.RoomJID() + "/notifier"
	c.send("<iq type='get' id='p' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", me)
	c.until("own ping", func(s stanza) bool { return s.ID == "p" && s.Type == "get" && s.From == me })
	c.send("<iq type='result' id='p' to='%s'/>", me)
	c.until("own answer", func(s stanza) bool { return s.ID == "p" && s.Type == "result" && s.From == me })
	c.send("<message><body>%s</body></message>", strings.Repeat("x", 70000))
	c.say("z", "to a zombie")
	if got := srv.Occupants(); len(got) != 1 || len(srv.Transcript()) != 0 {
		t.Errorf("the zombie: %+v, transcript %v", got, srv.Transcript())
	}
	srv.DropConnections()
	c.ended()
}

func TestServersWithoutStableIDs(t *testing.T) {
	srv := start(t, sinktest.Config{Profile: sinktest.Profile{IDs: sinktest.DropIDs, OnlyBody: true, StanzaIDs: true}})
	c := inside(t, srv, notifier(), "notifier")
	c.send("<message type='groupchat' id='1' to='%s'><body>b</body><origin-id xmlns='urn:xmpp:sid:0' id='1'/></message>", srv.RoomJID())
	got := c.heard("notifier", "")
	if got.body() != "b" || strings.Contains(got.Inner, "origin-id") || !strings.Contains(got.Inner, "<stanza-id") {
		t.Errorf("reflection %s", got.Inner)
	}
	if posts := srv.Transcript(); posts[0].ID != "1" || !strings.Contains(posts[0].Inner, "origin-id") {
		t.Errorf("transcript %+v", posts)
	}
}

func TestRenameOnConflict(t *testing.T) {
	srv := start(t, sinktest.Config{Profile: sinktest.Profile{RenamesOnConflict: true}})
	srv.TakeNick("notifier")
	c := login(t, srv, notifier())
	if self := c.join("notifier"); !self.has("210") || self.From != srv.RoomJID()+"/notifier_1" {
		t.Errorf("self-presence %+v", self)
	}
}

func TestOpenfireProfile(t *testing.T) {
	srv := start(t, sinktest.Config{Profile: sinktest.Openfire()})
	c := inside(t, srv, notifier(), "notifier")
	c.say("1", "one")
	if got := c.heard("notifier", "1"); !strings.Contains(got.Inner, "<stanza-id") {
		t.Errorf("reflection %s", got.Inner)
	}
	bounced := func(id, kind, condition string) {
		t.Helper()
		c.say(id, "text and more")
		got := c.until("bounce", func(s stanza) bool { return s.ID == id && s.Type == "error" })
		if !strings.Contains(got.Inner, "type='"+kind+"'") || !strings.Contains(got.Inner, condition) || !strings.Contains(got.Inner, "text and more") {
			t.Errorf("bounce %s", got.Inner)
		}
	}
	srv.Kick("notifier", 307)
	bounced("2", "modify", "not-acceptable")
	c.join("notifier")
	srv.DestroyRoom("", "")
	left := c.until("own presence", func(s stanza) bool { return s.XMLName.Local == "presence" && strings.Contains(s.Inner, "<destroy") })
	if left.has("110") {
		t.Errorf("presence %s", left.Inner)
	}
	bounced("3", "wait", "recipient-unavailable")
	if self := c.join("notifier"); !self.has("201") {
		t.Errorf("the destroyed room is joined with %s", self.Inner)
	}
	go srv.Shutdown()
	left = c.until("own presence", func(s stanza) bool { return s.XMLName.Local == "presence" && s.has("332") })
	if left.has("110") {
		t.Errorf("presence %s", left.Inner)
	}
}

func TestVysperProfile(t *testing.T) {
	srv := start(t, sinktest.Config{Profile: sinktest.Vysper(), Mechanisms: []string{"PLAIN"}, RoomMissing: true})
	first := login(t, srv, notifier())
	first.ask("notifier", "")
	self := first.until("self-presence", func(s stanza) bool { return s.XMLName.Local == "presence" })
	if self.ID != "" || self.has("201") || !strings.Contains(self.Inner, "<status xmlns='http://jabber.org/protocol/muc' code='110'/>") {
		t.Errorf("self-presence %+v", self)
	}
	second := login(t, srv, notifier())
	me := srv.RoomJID() + "/notifier"
	second.send("<iq type='get' id='p' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", me)
	second.until("answer to a ping from outside", func(s stanza) bool { return s.ID == "p" && s.Type == "result" })
	second.ask("notifier", "")
	other := second.until("presence of the other", func(s stanza) bool { return s.XMLName.Local == "presence" })
	if other.From != me || strings.Contains(other.Inner, "110") {
		t.Errorf("first presence %+v", other)
	}
	self = second.until("self-presence", func(s stanza) bool { return strings.Contains(s.Inner, "110") })
	if self.From != me+"_1" || !strings.Contains(self.Inner, "210") {
		t.Errorf("self-presence %+v", self)
	}
	first.say("1", "one")
	first.heard("notifier", "1")
	third := login(t, srv, notifier())
	third.ask("third", "")
	third.until("self-presence", func(s stanza) bool { return strings.Contains(s.Inner, "110") })
	for _, s := range third.ping() {
		if s.Delay != nil {
			t.Error("the history came before an answer")
		}
	}
	third.send("<message type='headline' id='h' to='%s'/>", third.jid)
	told := 0
	third.until("own message", func(s stanza) bool {
		if s.Delay != nil {
			told++
		}
		return s.ID == "h" && s.From == third.jid
	})
	if told != 1 {
		t.Errorf("%d messages of history", told)
	}
	srv.Ban("notifier")
	first.until("ban", func(s stanza) bool { return s.Type == "unavailable" })
	first.ask("notifier", "")
	for _, s := range first.ping() {
		if s.XMLName.Local == "presence" {
			t.Errorf("a refused join is answered: %+v", s)
		}
	}
}
