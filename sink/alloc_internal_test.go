package sink

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// TestAMessageAllocatesLittle holds the budget of one message on its way
// through the sink, all but TLS: submitted, written, reflected, settled. Here
// as there, the window is full and empties at once.
func TestAMessageAllocatesLittle(t *testing.T) {
	const room, window, rounds = "alerts@conference.example.org", 20, 100
	minter, err := newMinter(Config{Room: room, IDKey: config.NewSecret("key")})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{
		box: newOutbox(window, newLedger(minter)), out: newWriter(), originIDs: new(atomic.Bool), keepsIDs: new(atomic.Bool), depth: new(depth), phase: inRoom,
		room: room, occupant: room + "/notifier", maxBytes: 65000,
	}
	// What it writes is what the room would reflect.
	s.head = []byte("<message from='" + s.occupant + "' type='groupchat' id='")
	s.box.attach(s, s.occupant)
	shown := 0
	message := Message{Body: strings.Repeat("300 bytes ", 30), Done: func(r Result) {
		if r.Outcome == Delivered {
			shown++
		}
	}}
	identities := make([]string, window*(rounds+1)) // AllocsPerRun runs once more
	for i := range identities {
		identities[i] = fmt.Sprint("notification ", i)
	}
	left := identities
	allocs := testing.AllocsPerRun(rounds, func() {
		for range window {
			message.Identity, left = left[0], left[1:]
			if err := s.box.submit(t.Context(), message); err != nil {
				t.Fatal(err)
			}
		}
		reflect(t, s)
	})
	if shown != len(identities) {
		t.Errorf("%d of %d were shown", shown, len(identities))
	}
	allocs /= window
	if t.Logf("%.2f allocations", allocs); allocs > 4 {
		t.Errorf("%.2f allocations, want at most 4", allocs)
	}
}

// reflect hands the session what it has written.
func reflect(t *testing.T, s *session) {
	t.Helper()
	batch := s.out.take()
	for text := batch; len(text) > 0; {
		end := bytes.Index(text, []byte(tail)) + len(tail)
		e, err := wire.Parse(text[:end])
		if err != nil {
			t.Fatal(err)
		}
		if err := s.message(e); err != nil {
			t.Fatal(err)
		}
		text = text[end:]
	}
	s.out.give(batch)
	s.box.flush()
}
