package sink

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
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
		"we are in the room": {"<iq type='result'/>", Rejected, false},
		"the ping is declined": {
			"<iq type='error'><error><service-unavailable xmlns='" + string(conn.OfStanza) + "'/></error></iq>", Rejected, false,
		},
		"we are not in the room": {
			"<iq type='error'><error><not-acceptable xmlns='" + string(conn.OfStanza) + "'/></error></iq>", 0, true,
		},
	} {
		r := quietRoom(t)
		got := make(chan Result, 1)
		if err := r.Submit(t.Context(), Message{Identity: "1", Body: "x", Done: func(r Result) { got <- r }}); err != nil {
			t.Fatal(err)
		}
		bounce := parse(t, "<message type='error' from='"+r.cfg.Room+"' id='"+r.ids.ID("1")+"'><error type='cancel'><not-acceptable xmlns='"+string(conn.OfStanza)+"'/></error></message>")
		for i := range 3 {
			s := over(r, silent(t))
			r.box.Attach(s, s.us.address)
			if err := s.message(bounce); (err == nil) != (i == 2) {
				t.Errorf("%s: bounce %d: %v", name, i+1, err)
			}
			if i == 2 {
				if err := s.probeAnswered(conn.Answer{Element: parse(t, tc.answer)}); (err != nil) != tc.ends {
					t.Errorf("%s: the answer makes %v", name, err)
				}
			}
		}
		r.box.Close()
		r.box.Settle()
		if r := <-got; tc.want != 0 && r.Outcome != tc.want || tc.want == 0 && r.Outcome != Dropped {
			t.Errorf("%s: outcome %d, want %d", name, r.Outcome, tc.want)
		}
	}
}
