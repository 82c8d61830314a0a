package outbox

import (
	"errors"
	"testing"
	"time"
)

// What was settled out of order stays in the queue behind what was not.
// It is not in the way when that is settled.
func TestWhatWasSettledOutOfOrderIsNotInTheWay(t *testing.T) {
	m := testMinter(t)
	settled := func() (*Outbox, map[string]Outcome, chan struct{}) {
		b, results, lost := New(4, m), map[string]Outcome{}, make(chan struct{})
		b.Attach(discard{}, "r@c/w")
		for _, name := range []string{"1", "2", "3"} {
			err := b.Submit(t.Context(), Message{Identity: name, Lost: lost, Done: func(r Result) { results[name] = r.Outcome }})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Bounce([]byte(m.ID("2")), AboutMessage, errors.New("no")); err != nil {
			t.Fatal(err)
		}
		return b, results, lost
	}
	t.Run("lost meanwhile", func(t *testing.T) {
		b, results, lost := settled()
		b.Detach(BrokenOff, time.Now())
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

// The first burst after the outbox was narrowed is within the limit already.
func TestNarrowingHoldsAtOnce(t *testing.T) {
	b := New(8, testMinter(t))
	post(t, b, "in flight")
	if !b.Narrow(3) || b.Narrow(5) {
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
	b := New(2, testMinter(t))
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
