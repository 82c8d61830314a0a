package sink

import (
	"errors"
	"testing"
	"time"
)

// What was settled out of order stays in the window's queue behind what was not.
// It is not in the way when that is settled.
func TestWhatWasSettledOutOfOrderIsNotInTheWay(t *testing.T) {
	m := testMinter(t)
	settled := func() (*outbox, map[string]Outcome, chan struct{}) {
		b, results, lost := newOutbox(4, newLedger(m)), map[string]Outcome{}, make(chan struct{})
		b.attach(discard{}, "r@c/w")
		for _, name := range []string{"1", "2", "3"} {
			err := b.submit(t.Context(), Message{Identity: name, Lost: lost, Done: func(r Result) { results[name] = r.Outcome }})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := b.bounce([]byte(m.id("2")), &Condition{Name: "policy-violation"}); err != nil {
			t.Fatal(err)
		}
		return b, results, lost
	}
	t.Run("lost meanwhile", func(t *testing.T) {
		b, results, lost := settled()
		b.detach(brokenOff, time.Now())
		close(lost)
		b.attach(discard{}, "r@c/w")
		if results["1"] != Dropped || results["2"] != Rejected || results["3"] != Dropped {
			t.Errorf("outcomes %v", results)
		}
	})
	t.Run("closed", func(t *testing.T) {
		b, results, _ := settled()
		b.close()
		if results["1"] != Dropped || results["2"] != Rejected || results["3"] != Dropped {
			t.Errorf("outcomes %v", results)
		}
	})
}

// The first burst after the window was narrowed is within it already.
func TestNarrowWindowHoldsAtOnce(t *testing.T) {
	b := newOutbox(8, newLedger(testMinter(t)))
	post(t, b, "on its way")
	if !b.places.narrow(3) || b.places.narrow(5) {
		t.Error("narrowed and widened")
	}
	for _, name := range []string{"1", "2"} {
		post(t, b, name)
	}
	if len(b.places.taken) != cap(b.places.taken) {
		t.Errorf("%d places are left", cap(b.places.taken)-len(b.places.taken))
	}
}

// What is lost before it is submitted is not sent, however much room there is.
func TestWhatIsLostAlreadyIsNotTaken(t *testing.T) {
	b := newOutbox(2, newLedger(testMinter(t)))
	var sent posts
	b.attach(&sent, "r@c/w")
	lost := make(chan struct{})
	close(lost)
	for range 20 {
		if err := b.submit(t.Context(), Message{Lost: lost, Done: func(Result) { t.Error("settled") }}); !errors.Is(err, ErrLost) {
			t.Fatalf("got error %v", err)
		}
	}
	if post(t, b, "1"); len(sent) != 1 {
		t.Errorf("sent %q", sent)
	}
}
