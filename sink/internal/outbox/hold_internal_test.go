package outbox

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What is urgent waits for one digest at most, and a server that dies leaves one in doubt.
func TestDigestsAreSentOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.SetArchive(true)
		if w.HoldsDigests() != nil {
			t.Error("the first one is held up")
		}
		w.submit(w.digest("a", "b"))
		until := w.HoldsDigests()
		w.submit(w.digest("c", "d"), w.single("e"))
		w.wantPosts("a b")
		w.reflect(w.posts[0], us)
		w.wantPosts("a b", "c d", "e")
		w.reflect(w.posts[1], us)
		if isClosed(until) {
			t.Error("a third one is let go, although a single is in flight")
		}
		w.reflect(w.posts[2], us)
		if !isClosed(until) || w.HoldsDigests() != nil {
			t.Error("the next one is held up")
		}
	})
}

// Without an archive, the server must have been there for a while after the last one.
func TestADigestWaitsUntilOthersHaveTheLastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.SetArchive(false)
		w.submit(w.digest("a", "b"), w.digest("c", "d"))
		w.reflect(w.posts[0], us)
		for _, wait := range []time.Duration{time.Millisecond, recentFor} {
			time.Sleep(wait)
			w.Flush()
			synctest.Wait()
			w.wantPosts("a b") // the server may be dead
		}
		w.Alive(time.Now())
		w.Flush()
		synctest.Wait()
		w.wantPosts("a b", "c d")
		until := w.HoldsDigests()
		w.reflect(w.posts[1], us)
		if isClosed(until) {
			t.Error("the next one is not held up")
		}
		time.Sleep(2 * recentFor)
		w.Alive(time.Now())
		w.Flush()
		synctest.Wait()
		if !isClosed(until) {
			t.Error("the next one is held up")
		}
	})
}

// A server that dies has one digest shown again at most: that in flight, or the last one.
func TestAServerThatDiesLeavesOneDigestInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for shown := range 4 {
			w := enterRoom(t, 8)
			w.SetArchive(false)
			w.submit(w.digest("a", "b"), w.digest("c", "d"), w.digest("e", "f"))
			for i := range shown {
				w.reflect(w.posts[i], us)
				time.Sleep(recentFor + time.Millisecond)
				if i < shown-1 {
					w.Alive(time.Now())
				}
				w.Flush()
				synctest.Wait()
			}
			before := w.texts()
			w.reconnect() // and forgets all
			w.reflectAll()
			again := 0
			for _, text := range w.texts() {
				for _, old := range before {
					if text == old {
						again++
					}
				}
			}
			if again > 1 {
				t.Errorf("after %d of 3: %d digests are shown again", shown, again)
			}
		}
	})
}

// A room that swallows one shows that by showing another: it must get one.
func TestASwallowedDigestHoldsUpOthersForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.digest("a", "b"), w.digest("c", "d"))
		until := w.HoldsDigests()
		time.Sleep(holdAtMost + time.Second)
		w.wantPosts("a b", "c d")
		time.Sleep(holdAtMost + time.Second)
		if !isClosed(until) {
			t.Error("more are held up")
		}
	})
}

// Who waits is told when the room is there again.
func TestDigestsAreHeldUpWhileTheRoomIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.Detach(BrokenOff)
		until := w.HoldsDigests()
		if until == nil {
			t.Fatal("digests are taken")
		}
		w.reconnect()
		if !isClosed(until) {
			t.Error("digests are held up")
		}
	})
}

// One that the room asks to wait with is not forgotten.
func TestARefusedDigestHoldsUpTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.digest("a", "b"))
		until := w.HoldsDigests()
		w.Bounce([]byte(w.posts[0].id), AboutPace, errors.New("wait"))
		w.Flush()
		synctest.Wait()
		if isClosed(until) {
			t.Error("another one is taken")
		}
		time.Sleep(time.Second)
		w.reflectAll()
		if !isClosed(until) {
			t.Error("the next one is held up")
		}
	})
}

// A message that has failed waits for another to be shown: that may be the next digest,
// also when the session has ended for the failure.
func TestWhatHasFailedHoldsUpNoDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.single("a"))
		until := w.HoldsDigests()
		w.Bounce([]byte(w.posts[0].id), Unclear, errors.New("internal-server-error"))
		w.Detach(SessionOver)
		if until == nil || !isClosed(until) || w.HoldsDigests() != nil {
			t.Fatal("the next digest is held up")
		}
		w.submit(w.digest("b", "c"))
		if w.HoldsDigests() == nil {
			t.Error("a second one is not held up")
		}
		w.reconnect()
		w.wantPosts("a", "b c") // in this session
	})
}

// Where the room asks two to wait each time, one that it shows must be found beside them.
func TestTwoThatAlwaysWaitHoldUpNoDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.digest("a", "b"), w.digest("c", "d"))
		for range 100 {
			synctest.Wait()
			sent := len(w.posts)
			w.Bounce([]byte(w.posts[sent-1].id), AboutPace, errors.New("wait"))
			w.Flush()
			if synctest.Wait(); len(w.posts) > sent {
				continue // the other one, as a comparison
			}
			if w.HoldsDigests() == nil {
				return
			}
			time.Sleep(longestRetry)
		}
		t.Error("the next digest is held up for ever")
	})
}
