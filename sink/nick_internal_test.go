package sink

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

const (
	nickFreed = "<presence from='room@muc.example.org/me' type='unavailable'/>"
	nickTaken = "<presence from='room@muc.example.org/me'/>"
)

// A stay that ends for the sake of the nickname must cost nothing, and nobody
// may bring it about at will by taking the nickname and freeing it.
func TestNicknameIsTakenBackSeldomAndWithNothingOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := quietRoom(t)
		room.learn(&session{end: errNickFree}, false)
		ours, _ := net.Pipe()
		s := room.newSession(newStream(ours), identity{}, func() {})
		s.cfg.PingInterval, s.cfg.StallTimeout = time.Hour, 4*time.Second
		s.phase, s.nick, s.occupant = inRoom, "me-x", "room@muc.example.org/me-x"
		close(s.entered)
		go s.watch(t.Context())
		is := func(presence string) {
			if err := s.presence(parse(t, presence)); err != nil {
				t.Error(err)
			}
		}
		lasts := func(d time.Duration, why string) {
			if time.Sleep(d); isClosed(s.ended) {
				t.Fatalf("%s: the stay ended with %v", why, s.end)
			}
		}
		is(nickFreed)
		lasts(undisturbedStay-time.Second, "it was taken back just now")
		m := Message{Identity: "m", Done: func(Result) {}}
		if err := room.Submit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		lasts(time.Minute, "a message is on its way")
		is(nickTaken)
		room.box.seen([]byte(room.box.ledger.minter.id(m.Identity)), []byte(s.occupant), true)
		lasts(time.Minute, "somebody has it again")
		is(nickFreed)
		time.Sleep(2 * time.Second)
		if !isClosed(s.ended) || !errors.Is(s.end, errNickFree) {
			t.Errorf("the nickname is free, and the stay ended with %v", s.end)
			s.fail(nil)
		}
	})
}
