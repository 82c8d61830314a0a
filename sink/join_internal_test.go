package sink

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
)

// A room may speak for itself before it lets us in, and repeat the id of our join.
// That is not our presence yet.
func TestPresenceOfTheRoomIsNotOurs(t *testing.T) {
	s := over(quietRoom(t), silent(t))
	s.join()
	for _, from := range []string{s.occupant.room, s.occupant.room + "/", s.occupant.room + "/me"} {
		if err := s.presence(parse(t, "<presence from='"+from+"' id='"+s.occupant.joinID+"'/>")); err != nil {
			t.Fatal(err)
		}
		if admitted := s.phase != joining; admitted != (from == s.occupant.room+"/me") {
			t.Errorf("presence from %s: admitted %v", from, admitted)
		}
	}
}

// What others put into their presence does not keep us out of the room.
func TestPresenceOfOthersDoesNotEndTheJoin(t *testing.T) {
	s := over(quietRoom(t), silent(t))
	s.join()
	const muddled = "<x xmlns='http://jabber.org/protocol/muc#user'><status code='abc'/></x></presence>"
	if err := s.presence(parse(t, "<presence from='"+s.occupant.room+"/evil'>"+muddled)); err != nil {
		t.Error("another's presence:", err)
	}
	if err := s.presence(parse(t, "<presence from='"+s.occupant.address+"'>"+muddled)); err == nil {
		t.Error("our own presence cannot be read, and nothing is said")
	}
}

// Who is removed while the history comes does not enter.
func TestRemovedBeforeTheHistoryEnds(t *testing.T) {
	s := catchingUp(t)
	if err := s.presence(parse(t, "<presence type='unavailable' from='"+s.occupant.address+"'/>")); err == nil {
		t.Error("the join goes on")
	}
}

// What the room says of itself too late changes nothing: others look at it by then.
func TestLateAnswerChangesNothing(t *testing.T) {
	s := catchingUp(t)
	if err := s.historySent(); err != nil {
		t.Fatal(err)
	}
	late := parse(t, "<iq type='result'><query xmlns='"+muc.NSInfo+"'><feature var='"+muc.NSArchive+"'/></query></iq>")
	if err := s.info(conn.Answer{Element: late}); err != nil {
		t.Fatal(err)
	}
	if s.phase != inRoom || s.catchup.archive.answers {
		t.Errorf("in the room %v, archive %v", s.phase == inRoom, s.catchup.archive.answers)
	}
}

// catchingUp is a session that was admitted and waits for the history.
func catchingUp(t *testing.T) *session {
	t.Helper()
	s := over(quietRoom(t), silent(t))
	s.join()
	s.catchUp()
	return s
}

// What an archive stores on receipt, and the room's own history of that time does
// not tell, was never shown. What is older than the history is believed.
func TestArchiveProvesNothingThatTheHistoryLacks(t *testing.T) {
	const noon, later = "2026-01-01T12:00:00Z", "2026-01-01T12:00:05Z"
	archived := func(s *session, query, id, stamp string) {
		e := parse(t, "<message from='"+s.occupant.room+"'><result xmlns='"+muc.NSArchive+"' queryid='"+query+"'>"+
			"<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='"+stamp+"'/>"+
			"<message xmlns='jabber:client' type='groupchat' from='"+s.occupant.address+"' id='"+id+"'><body>x</body></message></forwarded></result></message>")
		if err := s.handle(e); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		history, stamp, query string
		proven                bool
	}{
		"the history tells of then, and not of it": {noon, later, "", false},
		"the history does not go back so far":      {later, noon, "", true},
		"there is no history":                      {"", later, "", true},
		"nobody asked for it":                      {"", later, "another query", false},
	} {
		s := catchingUp(t)
		done := make(chan Result, 1)
		if err := s.Submit(t.Context(), Message{Identity: "1", Done: func(r Result) { done <- r }}); err != nil {
			t.Fatal(err)
		}
		if tc.history != "" {
			s.shown(parse(t, "<message type='groupchat' from='"+s.occupant.room+"/other'><body>y</body><delay xmlns='urn:xmpp:delay' stamp='"+tc.history+"'/></message>"))
		}
		query := s.catchup.archive.queryID
		if tc.query != "" {
			query = tc.query
		}
		archived(s, query, s.ids.ID("1"), tc.stamp)
		if proven := s.box.Size() == 0; proven != tc.proven {
			t.Errorf("%s: proven %v", name, proven)
		}
	}
}

// What others say while we join is no history: a room that keeps none tells nothing.
func TestLiveMessagesOfOthersAreNoHistory(t *testing.T) {
	for stamp, told := range map[string]bool{"": false, "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T12:00:00Z'/>": true} {
		s := catchingUp(t)
		for range 150 {
			s.shown(parse(t, "<message type='groupchat' from='"+s.occupant.room+"/other'><body>y</body>"+stamp+"</message>"))
		}
		if depth := s.historyDepth(); told != (depth > s.cfg.MaxInFlight) {
			t.Errorf("with the stamp %q the room is said to tell %d messages", stamp, depth)
		}
	}
}
