package sink

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const (
	nickFreed = "<presence from='room@muc.example.org/me' type='unavailable'/>"
	nickTaken = "<presence from='room@muc.example.org/me'/>"
)

// A session that ends for the sake of the nickname must cost nothing, and nobody
// may bring it about at will by taking the nickname and freeing it.
func TestNicknameIsTakenBackRarelyAndWithNothingInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := quietRoom(t)
		left := over(room, silent(t))
		left.conn.Fail(errNickFree)
		room.learn(left, false)
		room.cfg.PingInterval, room.cfg.StallTimeout = time.Hour, 4*time.Second
		s := over(room, silent(t))
		s.phase, s.occupant.nick, s.occupant.address = inRoom, "me-x", "room@muc.example.org/me-x"
		close(s.entered)
		go s.watch(t.Context())
		is := func(presence string) {
			if err := s.presence(parse(t, presence)); err != nil {
				t.Error(err)
			}
		}
		lasts := func(d time.Duration, why string) {
			if time.Sleep(d); isEnded(s) {
				t.Fatalf("%s: the session ended with %v", why, s.conn.End())
			}
		}
		is(nickFreed)
		lasts(undisturbedSession-time.Second, "it was taken back just now")
		m := Message{Identity: "m", Done: func(Result) {}}
		if err := room.Submit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		lasts(time.Minute, "a message is in flight")
		is(nickTaken)
		room.box.Seen([]byte(room.ids.ID(m.Identity)), []byte(s.occupant.address), true, time.Time{})
		lasts(time.Minute, "somebody has it again")
		is(nickFreed)
		time.Sleep(2 * time.Second)
		if !isEnded(s) || !errors.Is(s.conn.End(), errNickFree) {
			t.Error("the nickname is free, and the session goes on")
			s.conn.Fail(nil)
		}
	})
}

func isEnded(s *session) bool {
	select {
	case <-s.conn.Ended():
		return true
	default:
		return false
	}
}
