package outbox

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Without a voice nothing is sent, and no message is held responsible.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.single("a"), w.single("b"))
		if !w.Silence(true) || w.Silence(true) {
			t.Error("silence is not told once")
		}
		for _, p := range w.posts {
			tries, ours, exhausted := w.Bounce([]byte(p.id), NoVoice, errors.New("forbidden"))
			if tries != 0 || !ours || exhausted {
				t.Errorf("%q: %d tries, ours %v, exhausted %v", p.Body, tries, ours, exhausted)
			}
		}
		w.submit(w.single("c"))
		time.Sleep(time.Hour)
		w.wantPosts("a", "b")
		if why := w.AllFailed(time.Now(), time.Second); why != nil {
			t.Errorf("all failed: %v", why)
		}
		w.Silence(false)
		w.wantPosts("a", "b", "a", "b", "c")
	})
}
