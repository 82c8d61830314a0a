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
