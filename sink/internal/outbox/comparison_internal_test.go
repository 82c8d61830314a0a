package outbox

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// limit has a room show what it takes, and ask the rest to wait, for so long. It returns what
// was posted, in order.
func (w *worker) limit(d time.Duration, takes func(name string) bool) (posted []string) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for p, ok := w.next(); ok; p, ok = w.next() {
			posted = append(posted, p.Body)
			if takes(p.Body) {
				w.reflect(p, us)
				continue
			}
			if _, _, exhausted := w.Bounce([]byte(p.id), AboutPace, errors.New("wait")); exhausted {
				w.Reject(p.id, errors.New("wait"))
			}
			w.Flush()
		}
	}
	return posted
}

// next takes out the first post.
func (w *worker) next() (p said, ok bool) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if ok = len(w.posts) > 0; ok {
		p, w.posts = w.posts[0], w.posts[1:]
	}
	return p, ok
}

// stream submits messages, as the outbox takes them.
func (w *worker) stream(names ...string) {
	go func() {
		for _, name := range names {
			_ = w.Submit(w.t.Context(), w.single(name))
		}
	}()
}

func count(list []string, name string) (n int) {
	for _, other := range list {
		if other == name {
			n++
		}
	}
	return n
}

// A message that the room always asks to wait is given up when the room has shown others
// right after that, and soon: the others follow at their pace, and in order.
func TestWhatAlwaysWaitsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 4)
		names := strings.Fields("poison a b c d e f g h i j")
		w.stream(names...)
		posted := w.limit(time.Minute, func(name string) bool { return name != "poison" })
		w.want(Rejected, "poison")
		w.want(Delivered, names[1:]...)
		others := slices.DeleteFunc(slices.Clone(posted), func(name string) bool { return name == "poison" })
		if n := count(posted, "poison"); n != mostWaits+3 || len(others) != len(names)-1 || !slices.IsSorted(others) {
			t.Errorf("posted %q, with the poison %d times", posted, n)
		}
	})
}

// A room that takes nothing for long is no reason to give up a message. It is asked no more
// than it must: beside every second refusal another message is tried.
func TestWhereAllWaitsNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 4)
		w.submit(w.single("a"), w.single("b"), w.single("c"))
		posted := w.limit(30*time.Minute, func(string) bool { return false })
		if first := count(posted, "a"); first < 2*patientWaits || len(posted) > 2*first+5 {
			t.Errorf("%d posts, of the first %d: %q", len(posted), first, posted)
		}
		w.limit(5*time.Minute, func(string) bool { return true })
		w.want(Delivered, "a", "b", "c")
	})
}

// Of several that the room always asks to wait none hides the others, or what it takes: what
// has failed the least is tried beside each.
func TestSeveralThatAlwaysWaitAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		poisons := []string{"poison 1", "poison 2", "poison 3"}
		names := strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z")
		w.stream(append(poisons, names...)...)
		w.limit(10*time.Minute, func(name string) bool { return len(name) == 1 })
		w.want(Rejected, poisons...)
		w.want(Delivered, names...)
	})
}

// What nothing else can be compared with is given up after many tries, if the room has
// shown another one since the first.
func TestWhatWaitsWithNothingElse(t *testing.T) {
	for shown, want := range map[bool]Outcome{false: 0, true: Rejected} {
		synctest.Test(t, func(t *testing.T) {
			w := enterRoom(t, 4)
			w.submit(w.single("poison"))
			if shown {
				w.submit(w.single("other"))
			}
			posted := w.limit(30*time.Minute, func(name string) bool { return name == "other" })
			w.want(want, "poison")
			if n := count(posted, "poison"); n < patientWaits || shown && n > patientWaits+1 {
				t.Errorf("posted %d times: %q", n, posted)
			}
		})
	}
}

// A message that the room has swallowed again and again awaits a later one, as the proof
// that the room is well: also in a new session, in which it was sent again.
func TestWhatIsSwallowedAwaitsProof(t *testing.T) {
	m := testMinter(t)
	b := newSteady(3, m)
	submit := func(name string) {
		t.Helper()
		if err := b.Submit(t.Context(), Message{Identity: name, Body: name, Done: func(Result) {}}); err != nil {
			t.Fatal(err)
		}
	}
	b.Attach(discard{}, "r@c/w")
	submit("poison")
	for range maxTries {
		if n := b.AwaitProof(); n != 0 {
			t.Errorf("%d await proof before they have failed often enough", n)
		}
		b.Stall()
		b.Detach(BrokenOff)
		b.Attach(discard{}, "r@c/w")
	}
	if n := b.AwaitProof(); n != 1 {
		t.Errorf("%d await proof", n)
	}
	submit("good")
	b.Seen([]byte(m.ID("good")), []byte("r@c/w"), true, time.Time{})
	if n := b.AwaitProof(); n != 0 {
		t.Errorf("%d await proof, and the room has shown a later one", n)
	}
	b.Detach(BrokenOff)
	b.Attach(discard{}, "r@c/w")
	if n := b.AwaitProof(); n != 1 {
		t.Errorf("%d await proof in the new session", n)
	}
}
