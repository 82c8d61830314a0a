package outbox

import (
	"errors"
	"testing"
	"time"
)

// A message that ends the stream each time is given up, and only that one.
func TestMessageThatTheServerNeverTakesIsGivenUp(t *testing.T) {
	m := testMinter(t)
	b := newSteady(3, m)
	outcomes := map[string]Outcome{}
	for _, name := range []string{"good", "poison", "next"} {
		err := b.Submit(t.Context(), Message{Identity: name, Body: name, Done: func(r Result) { outcomes[name] = r.Outcome }})
		if err != nil {
			t.Fatal(err)
		}
	}
	end := errors.New("not-well-formed")
	size := func(_ string, c Content) int { return len(c.Body) }
	for range maxStreamEnds + 1 {
		b.Attach(discard{}, "r@c/w")
		b.Seen([]byte(m.ID("good")), []byte("r@c/w"), true, time.Time{}) // what comes before it is reflected
		b.StreamEnded(end, false, size)
		b.Detach(SessionOver)
	}
	b.Attach(discard{}, "r@c/w")
	b.Seen([]byte(m.ID("next")), []byte("r@c/w"), true, time.Time{})
	b.deliver()
	if outcomes["good"] != Delivered || outcomes["poison"] != Rejected || outcomes["next"] != Delivered {
		t.Errorf("outcomes %v", outcomes)
	}
}
