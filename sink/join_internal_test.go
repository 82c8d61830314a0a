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
	for _, from := range []string{s.us.room, s.us.room + "/", s.us.room + "/me"} {
		if err := s.presence(parse(t, "<presence from='"+from+"' id='"+s.us.joinID+"'/>")); err != nil {
			t.Fatal(err)
		}
		if admitted := s.phase != joining; admitted != (from == s.us.room+"/me") {
			t.Errorf("presence from %s: admitted %v", from, admitted)
		}
	}
}

// What others put into their presence does not keep us out of the room.
func TestPresenceOfOthersDoesNotEndTheJoin(t *testing.T) {
	s := over(quietRoom(t), silent(t))
	s.join()
	const muddled = "<x xmlns='http://jabber.org/protocol/muc#user'><status code='abc'/></x></presence>"
	if err := s.presence(parse(t, "<presence from='"+s.us.room+"/evil'>"+muddled)); err != nil {
		t.Error("another's presence:", err)
	}
	if err := s.presence(parse(t, "<presence from='"+s.us.address+"'>"+muddled)); err == nil {
		t.Error("our own presence cannot be read, and nothing is said")
	}
}

// Who is removed while the history comes does not enter.
func TestRemovedBeforeTheHistoryEnds(t *testing.T) {
	s := catchingUp(t)
	if err := s.presence(parse(t, "<presence type='unavailable' from='"+s.us.address+"'/>")); err == nil {
		t.Error("the join goes on")
	}
}

// What the room says of itself too late changes nothing: others look at it by then.
func TestLateAnswerChangesNothing(t *testing.T) {
	s := catchingUp(t)
	if err := s.fence(); err != nil {
		t.Fatal(err)
	}
	late := parse(t, "<iq type='result'><query xmlns='"+muc.NSInfo+"'><feature var='"+muc.NSArchive+"'/></query></iq>")
	if err := s.info(conn.Answer{Element: late}); err != nil {
		t.Fatal(err)
	}
	if s.phase != inRoom || s.catchup.archive {
		t.Errorf("in the room %v, archive %v", s.phase == inRoom, s.catchup.archive)
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
