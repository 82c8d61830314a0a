package outbox

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// What was settled out of order stays in the queue behind what was not.
// It is not in the way when that is settled.
func TestWhatWasSettledOutOfOrderIsNotInTheWay(t *testing.T) {
	m := testMinter(t)
	settled := func() (*Outbox, map[string]Outcome, chan struct{}) {
		b, results, lost := newSteady(4, m), map[string]Outcome{}, make(chan struct{})
		b.Attach(discard{}, "r@c/w")
		for _, name := range []string{"1", "2", "3"} {
			err := b.Submit(t.Context(), Message{Identity: name, Lost: lost, Done: func(r Result) { results[name] = r.Outcome }})
			if err != nil {
				t.Fatal(err)
			}
		}
		b.Bounce([]byte(m.ID("2")), Unclear, errors.New("no"))
		b.Reject(m.ID("2"), errors.New("no"))
		return b, results, lost
	}
	t.Run("lost meanwhile", func(t *testing.T) {
		b, results, lost := settled()
		b.Detach(BrokenOff)
		close(lost)
		b.Attach(discard{}, "r@c/w")
		b.deliver()
		if results["1"] != Dropped || results["2"] != Rejected || results["3"] != Dropped {
			t.Errorf("outcomes %v", results)
		}
	})
	t.Run("closed", func(t *testing.T) {
		b, results, _ := settled()
		b.Close()
		b.Settle()
		if results["1"] != Dropped || results["2"] != Rejected || results["3"] != Dropped {
			t.Errorf("outcomes %v", results)
		}
	})
}

// The first burst after the outbox was limited is within the limit already, and it
// may be lifted again.
func TestLimitHoldsAtOnce(t *testing.T) {
	b := newSteady(8, testMinter(t))
	var sent posts
	b.Attach(&sent, "r@c/w")
	post(t, b, "in flight")
	if !b.Limit(3) || b.Limit(5) || !b.Limit(3) {
		t.Error("what is fewer is wrong")
	}
	for _, name := range []string{"1", "2", "3", "4"} {
		post(t, b, name)
	}
	if len(sent) != 3 {
		t.Errorf("%d are in flight", len(sent))
	}
	b.Limit(100)
	b.sendWaiting(time.Now())
	if len(sent) != 5 {
		t.Errorf("%d are in flight without the limit", len(sent))
	}
}

// What is lost before it is submitted is not sent, however much room there is.
func TestWhatIsLostAlreadyIsNotTaken(t *testing.T) {
	b := newSteady(2, testMinter(t))
	var sent posts
	b.Attach(&sent, "r@c/w")
	lost := make(chan struct{})
	close(lost)
	for range 20 {
		if err := b.Submit(t.Context(), Message{Lost: lost, Done: func(Result) { t.Error("settled") }}); !errors.Is(err, ErrLost) {
			t.Fatalf("got error %v", err)
		}
	}
	if post(t, b, "1"); len(sent) != 1 {
		t.Errorf("sent %q", sent)
	}
}

// What is lost before its turn and comes back has the turn of the second submission: others
// that came back with it may have had theirs, and been dropped.
func TestWhatComesBackKeepsItsOrder(t *testing.T) {
	var lost chan struct{}
	single := func(w *worker) Message {
		m := w.single("second")
		m.Lost = lost
		return m
	}
	digest := func(w *worker) Message {
		m := w.digest("second", "other")
		m.Members[0].Lost = lost
		return m
	}
	for name, first := range map[string]func(*worker) Message{"in a digest": digest, "single": single} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := enterRoom(t, 4)
				lost = make(chan struct{})
				w.Detach(SessionOver)
				w.submit(first(w))
				close(lost)
				w.submit(w.single("first"))
				w.want(0, "second")
				w.submit(w.single("second"))
				w.want(Dropped, "second")
				w.Attach(w, us)
				w.reflectAll()
				if got := slices.Index(w.texts(), "second"); got != slices.Index(w.texts(), "first")+1 {
					t.Errorf("posted %q", w.texts())
				}
				w.want(Delivered, "second")
			})
		})
	}
}

// What was refused, and was sent again before the room has answered whether we are in
// it, is not given up: the room may show it.
func TestWhatWasSentAgainIsNotGivenUp(t *testing.T) {
	m := testMinter(t)
	b, results := newSteady(4, m), map[string]Outcome{}
	b.Attach(discard{}, "r@c/w")
	for _, name := range []string{"refused", "shown"} {
		if err := b.Submit(t.Context(), Message{Identity: name, Done: func(r Result) { results[name] = r.Outcome }}); err != nil {
			t.Fatal(err)
		}
	}
	refused := m.ID("refused")
	b.Bounce([]byte(refused), Unclear, errors.New("not now"))
	b.Seen([]byte(m.ID("shown")), []byte("r@c/w"), true, time.Time{})
	b.mu.Lock()
	b.sendWaiting(time.Now()) // alone
	b.mu.Unlock()
	b.Reject(refused, errors.New("not now"))
	b.Seen([]byte(refused), []byte("r@c/w"), true, time.Time{})
	b.deliver()
	if results["refused"] != Delivered || results["shown"] != Delivered {
		t.Errorf("outcomes %v", results)
	}
}

// A room that keeps no ids shows our messages in order. If it shows the text of a later
// one, it has swallowed those before: they hide nothing, and are looked for.
func TestSwallowedMessageDoesNotHideLaterOnesWithoutIDs(t *testing.T) {
	m := testMinter(t)
	b := newSteady(4, m)
	b.Attach(discard{}, "r@c/w")
	results := map[string]Outcome{}
	for _, name := range []string{"1", "2", "3"} {
		err := b.Submit(t.Context(), Message{Identity: name, Body: "text " + name, Done: func(r Result) { results[name] = r.Outcome }})
		if err != nil {
			t.Fatal(err)
		}
	}
	if b.SeenText("text 2", b.Sent(), false) {
		t.Error("a text out of order proves that the room keeps no ids")
	}
	if b.SeenText("text 2", 0, true) {
		t.Error("a text settles what was not sent before it")
	}
	if b.SeenText("text 1", 0, false) {
		t.Error("a text that was shown before ours was sent settles it")
	}
	b.SeenText("text 1", b.Sent(), false)
	b.KeepsNoIDs()
	b.SeenText("text 3", b.Sent(), false)
	b.deliver()
	if results["1"] != Delivered || results["2"] != 0 || results["3"] != Delivered {
		t.Errorf("outcomes %v", results)
	}
	if b.Missing(time.Now().Add(time.Minute), time.Second) == 0 {
		t.Error("what was swallowed is not looked for")
	}
}
