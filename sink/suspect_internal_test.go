package sink

import (
	"log/slog"
	"net"
	"sync/atomic"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// A room that puts us out again and again, without a word, bounces the same
// message each time. That is no reason to give the message up: it is asked
// whether we are in it first.
func TestMessageIsNotGivenUpForTheStateOfTheRoom(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		want   Outcome
		ends   bool
	}{
		"we are in the room": {"<iq type='result' from='r@c/w' id='ask-suspect'/>", Rejected, false},
		"the ping is declined": {
			"<iq type='error' from='r@c/w' id='ask-suspect'><error><service-unavailable xmlns='" + nsStanzaErrors + "'/></error></iq>", Rejected, false,
		},
		"we are not in the room": {
			"<iq type='error' from='r@c/w' id='ask-suspect'><error><not-acceptable xmlns='" + nsStanzaErrors + "'/></error></iq>", 0, true,
		},
	} {
		m := testMinter(t)
		var got Outcome
		b := newOutbox(1, newLedger(m))
		if err := b.submit(t.Context(), Message{Identity: "1", Body: "x", Done: func(r Result) { got = r.Outcome }}); err != nil {
			t.Fatal(err)
		}
		bounce := parse(t, "<message type='error' from='r@c' id='"+m.id("1")+"'><error type='cancel'><not-acceptable xmlns='"+nsStanzaErrors+"'/></error></message>")
		for i := range maxUnclear + 1 {
			s := standIn(b)
			b.attach(s, s.occupant)
			if err := s.message(bounce); (err == nil) != (i == maxUnclear) {
				t.Errorf("%s: bounce %d: %v", name, i+1, err)
			}
			if i == maxUnclear {
				err := s.iq(parse(t, tc.answer))
				if (err != nil) != tc.ends {
					t.Errorf("%s: the answer makes %v", name, err)
				}
			}
		}
		if b.flush(); got != tc.want {
			t.Errorf("%s: outcome %d, want %d", name, got, tc.want)
		}
	}
}

// standIn is a session in the room, without a connection.
func standIn(b *outbox) *session {
	ours, _ := net.Pipe()
	return &session{
		box: b, out: newWriter(), originIDs: new(atomic.Bool), keepsIDs: new(atomic.Bool), depth: new(depth), phase: inRoom,
		stream: newStream(ours), log: slog.New(slog.DiscardHandler), room: "r@c", occupant: "r@c/w", askID: "ask", maxBytes: 65000,
	}
}

func parse(t *testing.T, text string) wire.Element {
	t.Helper()
	e, err := wire.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
