package sink

import (
	"net"
	"testing"
)

// A room may speak for itself before it gives us a seat, and repeat the id of our
// join. That is no seat yet.
func TestPresenceOfTheRoomIsNoSeat(t *testing.T) {
	ours, _ := net.Pipe()
	s := quietRoom(t).newSession(newStream(ours), identity{}, func() {})
	s.join()
	for _, from := range []string{s.room, s.room + "/", s.room + "/me"} {
		if err := s.presence(parse(t, "<presence from='"+from+"' id='"+s.joinID+"'/>")); err != nil {
			t.Fatal(err)
		}
		if seated := s.phase != joining; seated != (from == s.room+"/me") {
			t.Errorf("presence from %s: seated %v", from, seated)
		}
	}
}

// What others put into their presence does not keep us out of the room.
func TestPresenceOfOthersDoesNotEndTheJoin(t *testing.T) {
	ours, _ := net.Pipe()
	s := quietRoom(t).newSession(newStream(ours), identity{}, func() {})
	s.join()
	const muddled = "<x xmlns='http://jabber.org/protocol/muc#user'><status code='abc'/></x></presence>"
	if err := s.presence(parse(t, "<presence from='"+s.room+"/evil'>"+muddled)); err != nil {
		t.Error("another's presence:", err)
	}
	if err := s.presence(parse(t, "<presence from='"+s.occupant+"'>"+muddled)); err == nil {
		t.Error("our own presence cannot be read, and nothing is said")
	}
}

// Who has lost his seat does not enter, whatever of the history is still to come.
func TestSeatIsLostBeforeTheHistoryEnds(t *testing.T) {
	s := catchingUp(t)
	if err := s.presence(parse(t, "<presence type='unavailable' from='"+s.occupant+"'/>")); err == nil {
		t.Error("the join goes on")
	}
}

// What the room says of itself too late changes nothing: others look at it by then.
func TestLateAnswerChangesNothing(t *testing.T) {
	s := catchingUp(t)
	for _, answer := range []string{
		"<iq type='result' from='" + s.occupant + "' id='" + s.askID + fenceSuffix + "'/>",
		"<iq type='result' from='" + s.room + "' id='" + s.askID + infoSuffix + "'><query xmlns='" + nsInfo + "'><feature var='" + nsArchive + "'/></query></iq>",
	} {
		if err := s.iq(parse(t, answer)); err != nil {
			t.Fatal(err)
		}
	}
	if s.phase != inRoom || s.catchup.archive {
		t.Errorf("in the room %v, archive %v", s.phase == inRoom, s.catchup.archive)
	}
}

// catchingUp is a session that has a seat and waits for the history.
func catchingUp(t *testing.T) *session {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	s := quietRoom(t).newSession(newStream(ours), identity{}, func() {})
	s.join()
	s.catchUp()
	return s
}
