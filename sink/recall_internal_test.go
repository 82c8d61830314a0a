package sink

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// page is what a history shows: ids of a worker, and from whom.
type page struct{ id, seat string }

// TestWhatAHistoryProves is about what decides, after an interruption, whether
// the messages reflected last are sent again, and what is counted as doubtful.
func TestWhatAHistoryProves(t *testing.T) {
	m := testMinter(t)
	const forgotten = -1 // something known, but the server has forgotten what came then
	older, copied := page{m.id("older"), "r@c/w"}, page{m.id("older"), "r@c/evil"}
	old, fresh, evil := page{m.id("old"), "r@c/w"}, page{m.id("new"), "r@c/w2"}, page{m.id("old"), "r@c/evil"}
	for name, tc := range map[string]struct {
		attempts [][]page
		want     proof
	}{
		"nothing":                              {[][]page{{}}, nothing},
		"something known":                      {[][]page{{old, fresh}}, complete},
		"only news":                            {[][]page{{fresh}}, nothing},
		"news that the archive repeats":        {[][]page{{fresh, fresh}}, nothing},
		"a copy by somebody else":              {[][]page{{evil, fresh}}, nothing},
		"known, in the second attempt as well": {[][]page{{old}, {old}}, complete},
		"news, in two attempts":                {[][]page{{fresh}, {fresh}}, nothing},
		"known, but the last attempt is empty": {[][]page{{old}, {}}, nothing},
		"known, but not the last that was":     {[][]page{{older}}, forgotten},
		"known, and the last that was":         {[][]page{{older, old}}, complete},
		"the last, behind a copy of another":   {[][]page{{copied, old}}, complete},
		"a copy, and the last is not there":    {[][]page{{copied, fresh}}, nothing},
		"the last is told in the archive":      {[][]page{{old, fresh, older, old}}, complete},
		"a copy first, then the last":          {[][]page{{evil, fresh, old}}, complete},
	} {
		b := newOutbox(1, newLedger(m))
		b.attach(discard{}, "r@c/w")
		for _, name := range []string{"older", "old"} {
			post(t, b, name)
			b.seen([]byte(m.id(name)), []byte("r@c/w"), true)
			b.flush()
		}
		for _, attempt := range tc.attempts {
			b.detach(brokenOff, time.Now())
			for _, p := range attempt {
				b.seen([]byte(p.id), []byte(p.seat), false)
			}
		}
		got := b.recall.proof
		if got != nothing && b.recall.forgot() {
			got = forgotten
		}
		if got != tc.want {
			t.Errorf("%s: proof %d, want %d", name, got, tc.want)
		}
	}
}

func testMinter(t *testing.T) *minter {
	t.Helper()
	m, err := newMinter(Config{Room: "r@c", IDKey: config.NewSecret("k")})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// post submits a message whose text is its identity.
func post(t *testing.T, b *outbox, identity string) {
	t.Helper()
	if err := b.submit(t.Context(), Message{Identity: identity, Body: identity, Done: func(Result) {}}); err != nil {
		t.Fatal(err)
	}
}

type discard struct{}

func (discard) post(string, string, string) {}

func TestDepthOfTheHistory(t *testing.T) {
	type telling struct {
		shown  int // since the telling before
		tells  int
		forgot bool
		want   int
	}
	for name, list := range map[string][]telling{
		"long enough":                        {{0, 0, true, 0}, {100, 100, false, 0}, {100, 200, false, 0}},
		"short":                              {{0, 0, true, 0}, {100, 5, false, 0}, {1, 5, false, 5}, {9, 5, false, 5}},
		"short for others' messages":         {{0, 5, true, 0}, {3, 8, false, 0}, {3, 11, false, 0}},
		"a part is kept over a restart":      {{0, 0, true, 0}, {100, 1, false, 0}, {0, 1, false, 0}, {50, 20, false, 0}},
		"forgotten, and filled again":        {{100, 0, true, 0}, {3, 3, false, 0}, {3, 6, false, 0}},
		"short, but nothing said in between": {{0, 0, true, 0}, {100, 5, false, 0}, {0, 5, false, 0}},
	} {
		var d depth
		for i, l := range list {
			d.shown += l.shown
			if got := d.told(l.tells, l.forgot); got != l.want {
				t.Errorf("%s, telling %d: holds %d, want %d", name, i, got, l.want)
			}
		}
	}
}

// What a dying server has reflected last is sent again to one that has
// forgotten it, also if an attempt to come back has failed in between.
func TestWhatWasReflectedLastOutlivesFailedAttempts(t *testing.T) {
	m := testMinter(t)
	b := newOutbox(1, newLedger(m))
	b.attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.seen([]byte(m.id("1")), []byte("r@c/w"), true)
	b.detach(brokenOff, time.Now())                  // the server was killed
	b.detach(parted, time.Now().Add(time.Minute))    // it is there again, and refuses the join
	b.detach(brokenOff, time.Now().Add(time.Minute)) // a connection breaks while joining
	if resent, doubtful := b.attach(discard{}, "r@c/w"); resent != 1 || doubtful != 1 {
		t.Errorf("%d sent again, %d of them doubtful", resent, doubtful)
	}
}

// What was reflected last, and is missing at the end of what the room tells, is
// sent again; what is told is not.
func TestWhatTheServerHasForgottenIsSentAgain(t *testing.T) {
	m := testMinter(t)
	b := newOutbox(5, newLedger(m))
	b.attach(discard{}, "r@c/w")
	for _, name := range []string{"1", "2", "3", "4"} {
		post(t, b, name)
		if name != "4" { // on its way
			b.seen([]byte(m.id(name)), []byte("r@c/w"), true)
		}
	}
	b.detach(brokenOff, time.Now())
	b.seen([]byte(m.id("1")), []byte("r@c/w"), false)
	var sent posts
	if resent, doubtful := b.attach(&sent, "r@c/w"); resent != 3 || doubtful != 3 {
		t.Errorf("%d sent again, %d of them doubtful", resent, doubtful)
	}
	if got := strings.Join(sent, " "); got != "2 3 4" {
		t.Errorf("sent again: %s", got)
	}
}

// A server that forgets everything, and dies again before it has shown what was
// sent again, makes the room show no more than a window twice.
func TestNoMoreThanAWindowIsSentAgain(t *testing.T) {
	cfg := Config{MaxInFlight: 4}
	for shown := range 20 {
		m := testMinter(t)
		b := newOutbox(cfg.MaxInFlight, newLedger(m))
		var sent posts
		b.attach(&sent, "r@c/w")
		next := 0
		fill := func() {
			for ; len(b.places.taken) < cap(b.places.taken); next++ {
				post(t, b, strconv.Itoa(next))
			}
		}
		for range 3 {
			for i := range shown {
				fill()
				b.seen([]byte(m.id(sent[i])), []byte("r@c/w"), true)
				b.flush()
			}
			fill()
			b.detach(brokenOff, time.Now())
			sent = nil
			resent, doubtful := b.attach(&sent, "r@c/w")
			if resent < cfg.MaxInFlight || resent > 3*cfg.MaxInFlight || doubtful != resent || len(sent) != resent {
				t.Errorf("%d shown: %d sent again, %d of them counted, XMPP_MAX_IN_FLIGHT=%d", shown, resent, doubtful, cfg.MaxInFlight)
			}
		}
	}
}

// Another worker may be back first, and send again what was reflected to it last.
// That is no memory of the server's.
func TestWhatAnotherWorkerSentAgainProvesNothing(t *testing.T) {
	m := testMinter(t)
	b := newOutbox(5, newLedger(m))
	b.attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.seen([]byte(m.id("1")), []byte("r@c/w"), true)
	post(t, b, "2") // on its way
	b.seen([]byte(m.id("theirs")), []byte("r@c/w2"), false)
	b.detach(brokenOff, time.Now())
	b.seen([]byte(m.id("theirs")), []byte("r@c/w2"), false)
	if b.reached() {
		t.Error("the archive is not asked for what came before")
	}
	var sent posts
	if resent, doubtful := b.attach(&sent, "r@c/w"); resent != 2 || doubtful != 2 {
		t.Errorf("%d sent again, %d of them doubtful", resent, doubtful)
	}
	if got := strings.Join(sent, " "); got != "1 2" {
		t.Errorf("sent again: %s", got)
	}
}

type posts []string

func (p *posts) post(_, body, _ string) { *p = append(*p, body) }

// What was on its way and is told comes after all that we had seen: the end is
// there, whatever else of it was never stored, or was numbered later.
func TestWhatWasOnItsWayProvesThatTheEndIsThere(t *testing.T) {
	m := testMinter(t)
	b := newOutbox(5, newLedger(m))
	b.seen([]byte(m.id("history")), []byte("r@c/w2"), false)
	b.seen([]byte(m.id("archive")), []byte("r@c/w2"), false) // older, but told later
	b.attach(discard{}, "r@c/w")
	b.seen([]byte(m.id("not stored")), []byte("r@c/w2"), false)
	post(t, b, "1")
	b.detach(brokenOff, time.Now())
	b.seen([]byte(m.id("history")), []byte("r@c/w2"), false)
	b.seen([]byte(m.id("1")), []byte("r@c/w"), false)
	if resent, doubtful := b.attach(discard{}, "r@c/w"); resent != 0 || doubtful != 0 {
		t.Errorf("%d sent again, %d of them doubtful", resent, doubtful)
	}
}

// A server that is shut down may end our connection before others have got what
// it has reflected to us.
func TestWhatAServerReflectedBeforeItWentDownIsSentAgain(t *testing.T) {
	m := testMinter(t)
	for end, want := range map[error]int{
		errClosed:                                        1,
		&Condition{Name: "system-shutdown"}:              1,
		&Condition{Name: "conflict"}:                     0,
		errNickFree:                                      0,
		&Error{Err: errGone}:                             1,
		&Error{Err: &RemovedError{}}:                     0,
		&Error{Err: &RemovedError{Code: statusKicked}}:   0,
		&Error{Err: &RemovedError{Code: statusShutdown}}: 0,
		// It says so, or closes, after that.
		farewell(&Error{Err: &RemovedError{Code: statusShutdown}}, io.ErrUnexpectedEOF): 1,
		// The rooms may have been restarted alone.
		&Error{Err: &Condition{Name: "service-unavailable", Type: "cancel"}}:                             1,
		&Error{Err: fmt.Errorf("%w: %w", errNotInRoom, &Condition{Name: "not-allowed", Type: "cancel"})}: 1,
		&Error{Err: &Condition{Name: "forbidden", Type: "auth"}}:                                         0,
	} {
		b := newOutbox(1, newLedger(m))
		b.attach(discard{}, "r@c/w")
		post(t, b, "1")
		b.seen([]byte(m.id("1")), []byte("r@c/w"), true)
		b.detach(endingOf(end), time.Now())
		if resent, doubtful := b.attach(discard{}, "r@c/w"); resent != want || doubtful != want {
			t.Errorf("%v: %d sent again, %d of them doubtful, want %d", end, resent, doubtful, want)
		}
	}
}

// What is sent again from another seat, and shown, is known from that seat.
func TestWhatWasSentAgainFromAnotherSeatIsRecognised(t *testing.T) {
	m := testMinter(t)
	id := []byte(m.id("1"))
	b := newOutbox(1, newLedger(m))
	b.attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.seen(id, []byte("r@c/w"), true)
	b.detach(brokenOff, time.Now())
	b.attach(discard{}, "r@c/w-2") // the server has forgotten it
	b.seen(id, []byte("r@c/w-2"), true)
	b.detach(brokenOff, time.Now())
	b.seen(id, []byte("r@c/w-2"), false) // it has not
	if resent, doubtful := b.attach(discard{}, "r@c/w-2"); resent != 0 || doubtful != 0 {
		t.Errorf("%d sent again, %d of them doubtful", resent, doubtful)
	}
}
