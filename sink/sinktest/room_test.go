package sinktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

func TestReflectionKeepsWhatWasSaid(t *testing.T) {
	srv := start(t, sinktest.Config{Profile: sinktest.Profile{NoOccupantIDs: true}})
	author, other := inside(t, srv, notifier(), "notifier"), inside(t, srv, observer(), "observer")
	inner := "<body>a &amp; b &lt; c</body><origin-id xmlns='urn:xmpp:sid:0' id='o1'/><x xmlns='urn:foo'><body>not this</body></x>"
	author.send("<message type='groupchat' id='a&amp;&lt;1' xmlns:a='urn:a' a:id='forged' from='evil@x' to='%s'>%s</message>", srv.RoomJID(), inner)
	for _, c := range []*client{author, other} {
		got := c.heard("notifier", "a&<1")
		if got.Inner != inner || got.To != c.jid {
			t.Errorf("to %s: %s", got.To, got.Inner)
		}
	}
	posts := srv.Transcript()
	if len(posts) != 1 || posts[0].Nick != "notifier" || posts[0].JID != "notifier@xmpp.test" || posts[0].ID != "a&<1" ||
		posts[0].Body != "a & b < c" || posts[0].Inner != inner {
		t.Errorf("transcript %+v", posts)
	}
}

// The room tells of every stanza which account it is from, and nobody can claim to be
// another.
func TestStanzasTellTheAccount(t *testing.T) {
	srv := start(t, sinktest.Config{})
	author, other := inside(t, srv, notifier(), "notifier"), inside(t, srv, observer(), "observer")
	claim := "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='%s'/>"
	author.send("<message type='groupchat' id='1' to='%s'><body>a</body>"+claim+"</message>", srv.RoomJID(), "mine")
	first := other.heard("notifier", "1").Inner
	_, id, _ := strings.Cut(first, "id='")
	id, _, _ = strings.Cut(id, "'")
	other.send("<message type='groupchat' id='2' to='%s'><body>b</body>"+claim+"</message>", srv.RoomJID(), id)
	second := author.heard("observer", "2").Inner
	if id == "" || id == "mine" || strings.Contains(second, id) || strings.Count(first+second, "<occupant-id") != 2 {
		t.Errorf("%s, %s", first, second)
	}
}

func TestJoinShowsWhoIsThere(t *testing.T) {
	srv := start(t, sinktest.Config{})
	first := inside(t, srv, notifier(), "notifier")
	second := login(t, srv, observer())
	second.ask("observer", "")
	got := second.until("the other occupant", func(s stanza) bool { return s.XMLName.Local == "presence" })
	if got.From != srv.RoomJID()+"/notifier" || got.has("110") {
		t.Errorf("first presence: %+v", got)
	}
	self := second.until("self-presence", func(s stanza) bool { return s.has("110") })
	if self.From != srv.RoomJID()+"/observer" || self.ID != "join" || self.User.Item.Role != "participant" {
		t.Errorf("self-presence: %+v", self)
	}
	first.until("news of the second", func(s stanza) bool { return s.From == srv.RoomJID()+"/observer" && s.Type == "" })
	second.send("<presence type='unavailable' to='%s/observer'/>", srv.RoomJID())
	second.until("own leave", func(s stanza) bool { return s.Type == "unavailable" && s.has("110") })
	first.until("leave of the second", func(s stanza) bool { return s.From == srv.RoomJID()+"/observer" && s.Type == "unavailable" })
	if got := srv.Stats(); got.Joins != 2 || len(srv.Occupants()) != 1 {
		t.Errorf("stats %+v, occupants %v", got, srv.Occupants())
	}
}

func TestHistory(t *testing.T) {
	srv := start(t, sinktest.Config{})
	author := inside(t, srv, notifier(), "notifier")
	for i := range 45 {
		author.say(fmt.Sprint(i), fmt.Sprintf("body %d", i))
	}
	author.heard("notifier", "44")
	since := time.Now().UTC().Add(time.Hour).Format(time.RFC3339)
	for asked, want := range map[string][2]int{
		"":                                 {25, 20},
		"<history maxstanzas='1000'/>":     {25, 20},
		"<history maxstanzas='5'/>":        {40, 5},
		"<history maxstanzas='0'/>":        {45, 0},
		"<history maxchars='0'/>":          {45, 0},
		"<history seconds='3600'/>":        {25, 20},
		"<history since='" + since + "'/>": {45, 0},
	} {
		c := login(t, srv, observer())
		c.ask("observer", asked)
		c.until("self-presence", func(s stanza) bool { return s.has("110") })
		next := want[0]
		c.until("subject", func(s stanza) bool {
			if s.Subject != nil {
				return true
			}
			if s.ID != fmt.Sprint(next) || s.body() != fmt.Sprintf("body %d", next) || s.Delay == nil || s.Delay.From != srv.RoomJID() {
				t.Errorf("%s: want %d, got %+v", asked, next, s)
			}
			next++
			return false
		})
		if next-want[0] != want[1] {
			t.Errorf("%s: %d messages, want %d", asked, next-want[0], want[1])
		}
		c.send("</stream:stream>")
		c.ended()
	}
}

func TestRestartKeepsPortsAndTranscript(t *testing.T) {
	for _, keep := range []bool{false, true} {
		srv := start(t, sinktest.Config{KeepHistory: keep})
		addr := srv.Addr()
		author := inside(t, srv, notifier(), "notifier")
		author.say("1", "one")
		author.heard("notifier", "1")
		if err := srv.Restart(); err != nil {
			t.Fatal(err)
		}
		author.ended()
		if srv.Addr() != addr {
			t.Errorf("address %s, was %s", srv.Addr(), addr)
		}
		c := login(t, srv, notifier())
		c.ask("notifier", "")
		replayed := 0
		c.until("subject", func(s stanza) bool {
			if s.Delay != nil {
				replayed++
			}
			return s.Subject != nil
		})
		if want := map[bool]int{false: 0, true: 1}[keep]; replayed != want {
			t.Errorf("keep %v: %d messages of history", keep, replayed)
		}
		wantEqual(t, "transcript", bodies(srv.Transcript()), []string{"one"})
	}
}

func TestNicknames(t *testing.T) {
	srv := start(t, sinktest.Config{})
	first := inside(t, srv, notifier(), "notifier")
	if got := login(t, srv, observer()).refused("notifier", ""); !strings.Contains(got.Inner, "<conflict") {
		t.Errorf("a taken nickname: %s", got.Inner)
	}
	twin := inside(t, srv, notifier(), "notifier")
	twin.say("t", "from the twin")
	first.heard("notifier", "t")
	twin.heard("notifier", "t")
	twin.send("</stream:stream>")
	twin.ended()
	if got := srv.Occupants(); len(got) != 1 || got[0].Sessions != 1 {
		t.Errorf("occupants %+v", got)
	}
	first.send("<presence to='%s/other'/>", srv.RoomJID())
	gone := first.until("303", func(s stanza) bool { return s.has("303") })
	if gone.Type != "unavailable" || gone.User.Item.Nick != "other" || !gone.has("110") {
		t.Errorf("change of nickname: %+v", gone)
	}
	first.until("new self-presence", func(s stanza) bool { return s.From == srv.RoomJID()+"/other" && s.has("110") })
	first.say("o", "renamed")
	first.heard("other", "o")
}

func TestSelfPingAndOtherRequests(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := login(t, srv, notifier())
	ask := func(to, payload string) stanza {
		c.send("<iq type='get' id='q' to='%s'>%s</iq>", to, payload)
		return c.until("answer", func(s stanza) bool { return s.ID == "q" })
	}
	const ping = "<ping xmlns='urn:xmpp:ping'/>"
	me := srv.RoomJID() + "/notifier"
	if got := ask(me, ping); got.Type != "error" || !strings.Contains(got.Inner, "<not-acceptable") || got.From != me {
		t.Errorf("self-ping outside: %+v", got)
	}
	c.join("notifier")
	if got := ask(me, ping); got.Type != "result" || got.From != me {
		t.Errorf("self-ping inside: %+v", got)
	}
	if got := ask("conference.xmpp.test", ping); !strings.Contains(got.Inner, "<service-unavailable") {
		t.Errorf("ping to the service: %+v", got)
	}
	if got := ask(srv.RoomJID(), "<query xmlns='http://jabber.org/protocol/disco#info'/>"); !strings.Contains(got.Inner, "muc#stable_id") {
		t.Errorf("disco of the room: %+v", got)
	}
	if got := ask("", "<query xmlns='urn:nobody'/>"); !strings.Contains(got.Inner, "<service-unavailable") {
		t.Errorf("unknown request: %+v", got)
	}
}

func TestMessagesThatTheRoomDoesNotTake(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := login(t, srv, notifier())
	c.say("1", "from outside")
	if got := c.bounced("1"); !strings.Contains(got.Inner, "<not-acceptable") || !strings.Contains(got.Inner, "type='cancel'") || got.From != srv.RoomJID() {
		t.Errorf("outside: %+v", got)
	}
	c.join("notifier")
	c.send("<message type='chat' id='2' to='%s'><body>x</body></message>", srv.RoomJID())
	if got := c.bounced("2"); !strings.Contains(got.Inner, "<service-unavailable") {
		t.Errorf("chat: %+v", got)
	}
	if got := srv.Transcript(); len(got) != 0 {
		t.Errorf("transcript %v", got)
	}
}

func TestSubject(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	c.send("<message type='groupchat' id='s' to='%s'><subject>topic</subject></message>", srv.RoomJID())
	c.heard("notifier", "s")
	if got := srv.Transcript(); len(got) != 1 || got[0].Subject != "topic" || got[0].Body != "" {
		t.Errorf("transcript %+v", got)
	}
	other := login(t, srv, observer())
	other.ask("observer", "")
	if got := other.until("subject", func(s stanza) bool { return s.Subject != nil }); *got.Subject != "topic" || got.From != srv.RoomJID()+"/notifier" {
		t.Errorf("subject %+v", got)
	}
}

func TestBadXMLEndsTheStream(t *testing.T) {
	srv := start(t, sinktest.Config{MaxStanzaBytes: 4096})
	for name, tc := range map[string]struct{ raw, condition string }{
		"too big":      {"<message><body>" + strings.Repeat("x", 5000) + "</body></message>", "<policy-violation"},
		"control char": {"<message><body>\x01</body></message>", "<not-well-formed"},
		"bad utf-8":    {"<message><body>\xff</body></message>", "<not-well-formed"},
		"entity":       {"<message><body>&nbsp;</body></message>", "<not-well-formed"},
		"bad tags":     {"<message><body></message>", "<not-well-formed"},
		"comment":      {"<!-- no -->", "<restricted-xml"},
		"dtd":          {"<!DOCTYPE x>", "<restricted-xml"},
		"nested":       {strings.Repeat("<a>", 200), "<policy-violation"},
		"unknown":      {"<foo xmlns='urn:foo'/>", "<unsupported-stanza-type"},
	} {
		c := login(t, srv, notifier())
		c.send("%s", tc.raw)
		seen := c.ended()
		if len(seen) == 0 || seen[len(seen)-1].XMLName.Local != "error" || !strings.Contains(seen[len(seen)-1].Inner, tc.condition) {
			t.Errorf("%s: %+v", name, seen)
		}
	}
}

func TestNewRoomIsLockedUntilConfigured(t *testing.T) {
	srv := start(t, sinktest.Config{RoomMissing: true})
	owner, other := login(t, srv, notifier()), login(t, srv, observer())
	if self := owner.join("notifier"); !self.has("201") || self.User.Item.Affiliation != "owner" {
		t.Errorf("self-presence %+v", self)
	}
	if got := other.refused("observer", ""); !strings.Contains(got.Inner, "<item-not-found") {
		t.Errorf("locked room: %s", got.Inner)
	}
	owner.send("<iq type='set' id='cfg' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>", srv.RoomJID())
	owner.until("result", func(s stanza) bool { return s.ID == "cfg" && s.Type == "result" })
	other.join("observer")
}
