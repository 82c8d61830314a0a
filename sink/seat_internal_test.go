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
