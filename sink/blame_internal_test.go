package sink

import (
	"testing"
	"time"
)

// A message that ends the stream each time is given up, and only that one.
func TestMessageThatTheServerNeverTakesIsGivenUp(t *testing.T) {
	m := testMinter(t)
	b := newOutbox(3, newLedger(m))
	outcomes := map[string]Outcome{}
	for _, name := range []string{"good", "poison", "next"} {
		err := b.submit(t.Context(), Message{Identity: name, Body: name, Done: func(r Result) { outcomes[name] = r.Outcome }})
		if err != nil {
			t.Fatal(err)
		}
	}
	end := &Condition{Name: "not-well-formed"}
	size := func(_, body, _ string) int { return len(body) }
	for range maxUnclear + 1 {
		b.attach(discard{}, "r@c/w")
		b.seen([]byte(m.id("good")), []byte("r@c/w"), true) // what comes before it is reflected
		c, ok := blames(end)
		if !ok {
			t.Fatalf("%v is not held against us", end)
		}
		b.blame(c, size)
		b.detach(parted, time.Now())
	}
	b.attach(discard{}, "r@c/w")
	b.seen([]byte(m.id("next")), []byte("r@c/w"), true)
	b.flush()
	if outcomes["good"] != Delivered || outcomes["poison"] != Rejected || outcomes["next"] != Delivered {
		t.Errorf("outcomes %v", outcomes)
	}
	for _, other := range []error{errClosed, &Condition{Name: "system-shutdown"}, &Condition{Name: "not-acceptable", Type: "cancel"}} {
		if _, ok := blames(other); ok {
			t.Errorf("%v is held against a message", other)
		}
	}
}
