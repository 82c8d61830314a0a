package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const us, them = "r@c/w", "r@c/w2"

// worker is an outbox in a room, and what it has posted and settled.
type worker struct {
	*Outbox
	t       *testing.T
	ids     *Minter
	mu      sync.Mutex
	posts   []said
	results map[string]Result
	calls   int
}

type said struct {
	id string
	Content
}

func (w *worker) Post(id string, c Content) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts = append(w.posts, said{id, c})
}

func (w *worker) Send() {}

// clear forgets what was posted.
func (w *worker) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts = nil
}

// enterRoom makes a worker that is in the room; it runs in a bubble of synctest.
func enterRoom(t *testing.T, maxInFlight int) *worker {
	t.Helper()
	ids, err := NewMinter("k", "r@c", false)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{Outbox: newSteady(maxInFlight, ids), t: t, ids: ids, results: map[string]Result{}}
	go w.Settle()
	t.Cleanup(w.Close)
	w.Attach(w, us)
	return w
}

func (w *worker) member(name string, lost <-chan struct{}) Member {
	return Member{Identity: name, Lost: lost, Done: func(r Result) {
		w.calls++
		w.results[name] = r
	}}
}

// digest is a message that shows notifications, whose text is their names.
func (w *worker) digest(names ...string) Message {
	var m Message
	for _, name := range names {
		m.Members = append(m.Members, w.member(name, nil))
	}
	m.Compose = func(members []int) (body, extra string) {
		var shown []string
		for _, i := range members {
			shown = append(shown, m.Members[i].Identity)
		}
		return strings.Join(shown, " "), ""
	}
	return m
}

func (w *worker) single(name string) Message {
	m := w.member(name, nil)
	return Message{Identity: name, Body: name, Done: m.Done}
}

func (w *worker) submit(messages ...Message) {
	w.t.Helper()
	for _, m := range messages {
		if err := w.Submit(w.t.Context(), m); err != nil {
			w.t.Fatal(err)
		}
	}
	synctest.Wait()
}

// reflect has the room show a post, and what follows from it happen.
func (w *worker) reflect(p said, from string) {
	w.Seen([]byte(p.id), []byte(from), from == us, time.Time{})
	w.NoteDetails([]byte(p.id), Details{Names: []byte(p.Names), Replaces: []byte(p.Replaces), Own: from == us, Account: from == us})
	w.Flush()
	synctest.Wait()
}

// reconnect breaks the connection and comes back. told is what the room shows of its
// history meanwhile.
func (w *worker) reconnect(told ...said) {
	w.Detach(BrokenOff)
	for _, p := range told {
		w.reflect(p, them)
	}
	w.clear()
	w.Attach(w, us)
	synctest.Wait()
}

// reflectAll has the room show all posts, and those that follow from it.
func (w *worker) reflectAll() {
	synctest.Wait()
	for i := 0; i < len(w.posts); i++ {
		w.reflect(w.posts[i], us)
	}
}

// texts are those of the posts.
func (w *worker) texts() []string {
	var texts []string
	for _, p := range w.posts {
		texts = append(texts, p.Body)
	}
	return texts
}

func (w *worker) wantPosts(want ...string) {
	w.t.Helper()
	synctest.Wait()
	if got := w.texts(); !slices.Equal(got, want) {
		w.t.Errorf("posted %q, want %q", got, want)
	}
}

func (w *worker) want(outcome Outcome, names ...string) {
	w.t.Helper()
	for _, name := range names {
		if got := w.results[name].Outcome; got != outcome {
			w.t.Errorf("%s: outcome %d, want %d", name, got, outcome)
		}
	}
}

// One reflection settles all that a digest shows, and it takes one slot. One more is
// ready to follow.
func TestDigestIsSettledByOneReflection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 1)
		w.submit(w.digest("a", "b", "c"), w.single("next"))
		w.wantPosts("a b c")
		full, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Submit(full, w.single("d")); !errors.Is(err, context.DeadlineExceeded) || w.Size() != 1 {
			t.Errorf("one more is taken: %v, %d in flight", err, w.Size())
		}
		w.reflect(w.posts[0], us)
		w.want(Delivered, "a", "b", "c")
		w.wantPosts("a b c", "next")
		w.reflect(w.posts[1], us)
		if r := w.results["b"]; r.Together != 3 || r.ID != w.posts[0].id || w.calls != 4 {
			t.Errorf("settled as %+v, %d calls", r, w.calls)
		}
		w.submit(w.single("b"), w.digest("a", "x"))
		w.want(Suppressed, "a", "b")
		w.wantPosts("a b c", "next", "x")
	})
}

// What was shown or lost before a digest is sent leaves it; one that is left is an
// ordinary message.
func TestDigestShowsOnlyWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 4)
		w.Detach(BrokenOff)
		lost := make(chan struct{})
		mixed, alone, none := w.digest("shown", "lost", "a", "b"), w.digest("lost 2", "c"), w.digest("shown")
		mixed.Members[1].Lost, alone.Members[0].Lost = lost, lost
		w.submit(mixed, alone, none)
		close(lost)
		w.reconnect(said{id: w.ids.ID("shown")})
		w.reflectAll()
		w.wantPosts("a b", "c")
		w.want(Suppressed, "shown")
		w.want(Dropped, "lost", "lost 2")
		if !errors.Is(w.results["lost"].Err, ErrLost) {
			t.Errorf("lost: %v", w.results["lost"].Err)
		}
		if single := w.posts[1]; single.id != w.ids.ID("c") || single.Names != "" {
			t.Errorf("the only one that is left is sent as %+v", single)
		}
		w.want(Delivered, "a", "b", "c")
		if w.Size() != 0 || w.results["c"].Together != 0 {
			t.Errorf("%d in flight, c settled as %+v", w.Size(), w.results["c"])
		}
	})
}

// A notification is shown once, however often it comes in digests and alone.
func TestWhatIsInFlightIsNotShownTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.single("a"), w.digest("a", "b", "b", "c"), w.digest("c", "a"), w.single("b"))
		w.wantPosts("a", "b c")
		if w.Size() != 2 {
			t.Errorf("%d in flight", w.Size())
		}
		for _, p := range w.posts {
			w.reflect(p, us)
		}
		if w.calls != 8 {
			t.Errorf("%d of 8 are settled", w.calls)
		}
		w.want(Suppressed, "a", "b", "c") // the last word of each
	})
}

// Whoever has the key knows from a digest what it shows.
func TestOtherWorkersKnowWhatADigestShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, other := enterRoom(t, 4), enterRoom(t, 4)
		w.submit(w.digest("a", "b"))
		other.reflect(w.posts[0], them)
		other.submit(other.single("a"), other.digest("b", "c"))
		other.want(Suppressed, "a", "b")
		other.wantPosts("c")
	})
}

// Only the names over which the id was made are believed.
func TestForgedNamesSuppressNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 4)
		w.submit(w.digest("a", "b"), w.digest("c", "d"))
		w.reflectAll()
		first, second := w.posts[0], w.posts[1]
		n := NameSize
		for name, forged := range map[string]said{
			"of another digest":  {first.id, second.Content},
			"in another order":   {first.id, Content{Names: first.Names[n:] + first.Names[:n]}},
			"one more":           {first.id, Content{Names: first.Names + second.Names[:n]}},
			"one less":           {first.id, Content{Names: first.Names[:n]}},
			"with spaces":        {first.id, Content{Names: first.Names + " "}},
			"half of one":        {first.id, Content{Names: first.Names[:n+n/2]}},
			"of a single":        {w.ids.ID("x"), first.Content},
			"of an invented one": {strings.Repeat("A", len(first.id)), first.Content},
		} {
			other := enterRoom(t, 8)
			other.reflect(forged, "r@c/evil")
			other.submit(other.digest("a", "b", "c", "d"))
			other.wantPosts("a b c d")
			if other.MaxMembers() == 0 {
				t.Errorf("%s: digests are no longer used", name)
			}
		}
	})
}

// refuse has the room refuse every post that shows the culprit, and show all others,
// until nothing is in flight.
func (w *worker) refuse(culprit string) {
	for n := 0; n < len(w.posts); n++ {
		p := w.posts[n]
		if slices.Contains(strings.Fields(p.Body), culprit) {
			w.Bounce([]byte(p.id), Unclear, errors.New("no"))
			w.Reject(p.id, errors.New("no"))
			w.Flush()
			synctest.Wait()
			continue
		}
		w.reflect(p, us)
	}
}

// A digest that the room rejects is taken apart, so that only what is at fault is
// rejected; all others are shown in order.
func TestOnlyTheCulpritOfADigestIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for culprit := range strings.FieldsSeq("a b c d e f g") {
			w := enterRoom(t, 1)
			w.submit(w.digest(strings.Fields("a b c d e f g")...))
			w.refuse(culprit)
			var shown []string
			for _, p := range w.posts {
				if !strings.Contains(p.Body, culprit) {
					shown = append(shown, strings.Fields(p.Body)...)
				}
			}
			want := strings.Fields(strings.ReplaceAll("a b c d e f g", culprit, ""))
			if !slices.Equal(shown, want) || w.Size() != 0 || w.calls != 7 {
				t.Errorf("%s is at fault: shown %v, %d in flight, %d settled", culprit, shown, w.Size(), w.calls)
			}
			w.want(Rejected, culprit)
			w.want(Delivered, want...)
			w.submit(w.single("later")) // its slot is free
		}
	})
}

// What is swallowed again and again is taken apart as well.
func TestOnlyTheSwallowedPartIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.digest("a", "b", "poison", "d"))
		for i := 0; w.Size() > 0 && i < 100; i++ {
			w.submit(w.single(fmt.Sprint("proof ", i)))
			for _, p := range w.posts {
				if !strings.Contains(p.Body, "poison") {
					w.reflect(p, us)
				}
			}
			w.clear()
			time.Sleep(3 * time.Second)
			w.Handled(w.Missing(time.Now(), time.Minute))
			w.Flush()
			synctest.Wait()
		}
		w.want(Rejected, "poison")
		w.want(Delivered, "a", "b", "d")
	})
}

// A server that ends the stream for a digest, each time, gets its halves.
func TestADigestThatEndsTheStreamIsTakenApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.digest("a", "b", "poison", "d"), w.single("later"))
		size := func(string, Content) int { return 1 }
		for i := 0; w.Size() > 0 && i < 100; i++ {
			for n := 0; n < len(w.posts); n++ {
				p := w.posts[n]
				if strings.Contains(p.Body, "poison") {
					w.StreamEnded(errors.New("not-well-formed"), false, size)
					break
				}
				w.reflect(p, us)
			}
			w.reconnect()
		}
		w.want(Rejected, "poison")
		w.want(Delivered, "a", "b", "d", "later")
	})
}

// A digest that does not fit is halved until it does, also when that is learnt later.
func TestDigestIsHalvedUntilItFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.LimitMembers(3)
		w.submit(w.digest("a", "b", "c", "d", "e"))
		w.reflectAll()
		w.wantPosts("a b", "c d e")
		w = enterRoom(t, 8)
		w.submit(w.digest("f", "g", "h"), w.digest("i", "j"))
		w.LimitMembers(2)
		w.reconnect()
		w.wantPosts("f", "g h")
		w.LimitMembers(0)
		w.reconnect()
		w.wantPosts("f", "g", "h", "i", "j")
	})
}

// After the connection broke, a digest is sent again as it was; what another worker
// has shown since leaves it, and so does what is lost.
func TestDigestIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		lost := make(chan struct{})
		digest := w.digest("a", "b", "c", "d")
		digest.Members[3].Lost = lost
		w.submit(digest)
		first := w.posts[0]
		w.reconnect()
		if len(w.posts) != 1 || w.posts[0] != first {
			t.Errorf("sent again as %+v, was %+v", w.posts, first)
		}
		close(lost)
		w.reconnect(said{id: w.ids.ID("b")})
		w.wantPosts("a c")
		w.want(Suppressed, "b")
		w.want(Dropped, "d")
		w.reconnect(w.posts[0])
		w.wantPosts()
		w.want(Delivered, "a", "c")
	})
}

// What was lost and comes back in part does not change the order of digests that had been
// sent. If it is lost before the worker is back in the room, all the rest has a new turn; later,
// all keeps its turn.
func TestWhatComesBackInPartKeepsTheOrderOfDigests(t *testing.T) {
	for lostBefore, want := range map[bool][]string{
		true:  {"a b", "c d", "e f g"},
		false: {"a b", "c d e", "f g"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, lost := enterRoom(t, 8), make(chan struct{})
			digests := []Message{w.digest("a", "b"), w.digest("c", "d", "e"), w.digest("f", "g")}
			for _, m := range digests {
				for i := range m.Members {
					m.Members[i].Lost = lost
				}
				w.submit(m)
				time.Sleep(holdAtMost) // nothing is shown
			}
			comeBack := func() {
				close(lost)
				w.submit(w.single("a"), w.single("b"), w.single("c"), w.single("d"))
			}
			if lostBefore {
				comeBack()
				w.reconnect()
			} else {
				w.reconnect()
				comeBack()
			}
			w.reflect(w.posts[0], us)
			w.submit(w.digest("e", "f", "g"))
			w.reflectAll()
			w.wantPosts(want...)
			if w.Size() != 0 {
				t.Errorf("%d in flight", w.Size())
			}
		})
	}
}

// A room that removes the names gets digests no more.
func TestRoomThatRemovesTheNamesGetsNoDigests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enterRoom(t, 8)
		w.submit(w.digest("a", "b"))
		bare := said{id: w.posts[0].id}
		w.reflect(bare, us)
		w.want(Delivered, "a", "b")
		if w.MaxMembers() != 0 {
			t.Errorf("up to %d are gathered", w.MaxMembers())
		}
		w.clear()
		w.submit(w.digest("c", "d"))
		w.wantPosts("c", "d")
		for _, p := range w.posts {
			w.reflect(p, us)
		}
		w.Detach(SessionOver)
		w.reflect(bare, us) // so the history says
		w.clear()
		w.Attach(w, us)
		w.submit(w.digest("e", "f"))
		w.wantPosts("e", "f")
	})
}

// A history of twenty digests tells all that they show.
func TestHistoryOfDigestsIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const digests, members = 20, 500
		w, other := enterRoom(t, digests), enterRoom(t, 1)
		for d := range digests {
			var names []string
			for i := range members {
				names = append(names, fmt.Sprint(d, "/", i))
			}
			w.submit(w.digest(names...))
			w.reflect(w.posts[d], us)
			other.reflect(w.posts[d], them)
		}
		for d := range digests {
			for i := range members {
				other.submit(other.single(fmt.Sprint(d, "/", i)))
			}
		}
		if len(other.posts) != 0 {
			t.Errorf("%d are shown twice", len(other.posts))
		}
	})
}
