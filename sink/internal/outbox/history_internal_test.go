package outbox

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// page is what a history shows: ids of a worker, and from whom.
type page struct{ id, from string }

// TestWhatAHistoryProves is about what decides, after an interruption, whether
// the messages reflected last are sent again, and what is counted as a possible duplicate.
func TestWhatAHistoryProves(t *testing.T) {
	m := testMinter(t)
	const forgotten = -1 // something known, but the server has forgotten what came then
	older, copied := page{m.ID("older"), "r@c/w"}, page{m.ID("older"), "r@c/evil"}
	old, fresh, evil := page{m.ID("old"), "r@c/w"}, page{m.ID("new"), "r@c/w2"}, page{m.ID("old"), "r@c/evil"}
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
		b := New(1, m)
		b.Attach(discard{}, "r@c/w")
		for _, name := range []string{"older", "old"} {
			post(t, b, name)
			b.Seen([]byte(m.ID(name)), []byte("r@c/w"), true, time.Time{})
			b.deliver()
		}
		for _, attempt := range tc.attempts {
			b.Detach(BrokenOff)
			for _, p := range attempt {
				b.Seen([]byte(p.id), []byte(p.from), false, time.Time{})
			}
		}
		got := b.history.proof
		if got != nothing && b.history.isLost() {
			got = forgotten
		}
		if got != tc.want {
			t.Errorf("%s: proof %d, want %d", name, got, tc.want)
		}
	}
}

func testMinter(t *testing.T) *Minter {
	t.Helper()
	m, err := NewMinter("k", "r@c", false)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// post submits a message whose text is its identity.
func post(t *testing.T, b *Outbox, identity string) {
	t.Helper()
	if err := b.Submit(t.Context(), Message{Identity: identity, Body: identity, Done: func(Result) {}}); err != nil {
		t.Fatal(err)
	}
}

type discard struct{}

func (discard) Post(string, Content) {}
func (discard) Send()                {}

// What a dying server has reflected last is sent again to one that has
// forgotten it, also if an attempt to come back has failed in between.
func TestWhatWasReflectedLastOutlivesFailedAttempts(t *testing.T) {
	m := testMinter(t)
	b := New(1, m)
	b.Attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.Seen([]byte(m.ID("1")), []byte("r@c/w"), true, time.Time{})
	b.Detach(BrokenOff)   // the server was killed
	b.Detach(SessionOver) // it is there again, and refuses the join
	b.Detach(BrokenOff)   // a connection breaks while joining
	if resent, possible := b.Attach(discard{}, "r@c/w"); resent != 1 || possible != 1 {
		t.Errorf("%d sent again, %d of them possible duplicates", resent, possible)
	}
}

// What we had sent is shown while we come back, and another worker had shown it before. That
// attempt fails. In the next one the history shows both: the server has forgotten nothing.
func TestWhatWasShownDuringAFailedAttemptIsRemembered(t *testing.T) {
	m := testMinter(t)
	b := New(1, m)
	b.Attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.Detach(BrokenOff)
	id, began := []byte(m.ID("1")), time.Now()
	b.Seen(id, []byte("r@c/w2"), false, began)
	b.Seen(id, []byte("r@c/w"), true, time.Time{})
	b.Detach(BrokenOff)
	b.Seen(id, []byte("r@c/w2"), false, began)
	b.Seen(id, []byte("r@c/w"), true, began)
	if resent, _ := b.Attach(discard{}, "r@c/w"); resent != 0 {
		t.Errorf("%d sent again", resent)
	}
}

// What was reflected last, and is missing at the end of what the room tells, is
// sent again; what is told is not.
func TestWhatTheServerHasForgottenIsSentAgain(t *testing.T) {
	m := testMinter(t)
	b := newSteady(5, m)
	b.Attach(discard{}, "r@c/w")
	for _, name := range []string{"1", "2", "3", "4"} {
		post(t, b, name)
		if name != "4" { // in flight
			b.Seen([]byte(m.ID(name)), []byte("r@c/w"), true, time.Time{})
		}
	}
	b.Detach(BrokenOff)
	b.Seen([]byte(m.ID("1")), []byte("r@c/w"), false, time.Time{})
	var sent posts
	if resent, possible := b.Attach(&sent, "r@c/w"); resent != 3 || possible != 3 {
		t.Errorf("%d sent again, %d of them possible duplicates", resent, possible)
	}
	if got := strings.Join(sent, " "); got != "2 3 4" {
		t.Errorf("sent again: %s", got)
	}
}

// A server that forgets everything, and dies again before it has shown what was
// sent again, makes the room show no more than three times as many twice.
func TestNoMoreThanInFlightAndRecentIsSentAgain(t *testing.T) {
	const maxInFlight = 4
	for shown := range 20 {
		m := testMinter(t)
		b := newSteady(maxInFlight, m)
		var sent posts
		b.Attach(&sent, "r@c/w")
		next := 0
		fill := func() {
			for ; b.slots.taken < b.slots.most; next++ {
				post(t, b, strconv.Itoa(next))
			}
		}
		for range 3 {
			for i := range shown {
				fill()
				b.Seen([]byte(m.ID(sent[i])), []byte("r@c/w"), true, time.Time{})
				b.deliver()
				b.sendWaiting(time.Now())
			}
			fill()
			b.Detach(BrokenOff)
			sent = nil
			resent, possible := b.Attach(&sent, "r@c/w")
			if resent < maxInFlight || resent > 3*maxInFlight || possible != resent || len(sent) != maxInFlight {
				t.Errorf("%d shown: %d sent again, %d of them counted, XMPP_MAX_IN_FLIGHT=%d", shown, resent, possible, maxInFlight)
			}
		}
	}
}

// Another worker may be back first, and send again what was reflected to it last.
// That is no memory of the server's.
func TestWhatAnotherWorkerSentAgainProvesNothing(t *testing.T) {
	m := testMinter(t)
	b := newSteady(5, m)
	b.Attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.Seen([]byte(m.ID("1")), []byte("r@c/w"), true, time.Time{})
	post(t, b, "2") // in flight
	b.Seen([]byte(m.ID("theirs")), []byte("r@c/w2"), false, time.Time{})
	b.Detach(BrokenOff)
	b.Seen([]byte(m.ID("theirs")), []byte("r@c/w2"), false, time.Time{})
	if b.HistoryReached() {
		t.Error("the archive is not asked for what came before")
	}
	var sent posts
	if resent, possible := b.Attach(&sent, "r@c/w"); resent != 2 || possible != 2 {
		t.Errorf("%d sent again, %d of them possible duplicates", resent, possible)
	}
	if got := strings.Join(sent, " "); got != "1 2" {
		t.Errorf("sent again: %s", got)
	}
}

// Another worker may have sent again, to a server that has forgotten everything, what we
// had seen it show. What was in flight may have been shown as well, and is counted.
func TestWhatAnotherWorkerSentAgainIsNoMemory(t *testing.T) {
	m := testMinter(t)
	synctest.Test(t, func(t *testing.T) {
		for again, want := range map[bool]int{true: 1, false: 0} {
			b := newSteady(5, m)
			b.Attach(discard{}, "r@c/w")
			shown := time.Now()
			b.Seen([]byte(m.ID("theirs")), []byte("r@c/w2"), false, time.Time{})
			time.Sleep(time.Second)
			b.Alive(time.Now())
			post(t, b, "1") // in flight
			b.Detach(BrokenOff)
			time.Sleep(time.Second)
			if again {
				shown = time.Now()
			}
			b.Seen([]byte(m.ID("theirs")), []byte("r@c/w2"), false, shown)
			if resent, possible := b.Attach(discard{}, "r@c/w"); resent != 1 || possible != want {
				t.Errorf("%d sent again, %d of them possible duplicates, want %d", resent, possible, want)
			}
		}
	})
}

// When a connection stalls, what it carries comes late. The server may have died within
// milliseconds of what it reflected minutes ago.
func TestWhatWasReflectedBeforeAStallIsSentAgain(t *testing.T) {
	m := testMinter(t)
	synctest.Test(t, func(t *testing.T) {
		for answered, want := range map[bool]int{true: 0, false: 1} {
			b := New(1, m)
			b.Attach(discard{}, "r@c/w")
			post(t, b, "1")
			b.Seen([]byte(m.ID("1")), []byte("r@c/w"), true, time.Time{})
			time.Sleep(time.Second)
			if !b.Unproven(time.Now()) {
				t.Error("nobody asks whether the server is there")
			}
			if answered {
				b.Alive(time.Now())
			}
			time.Sleep(time.Minute)
			b.Seen([]byte(m.ID("theirs")), []byte("r@c/w2"), false, time.Time{})
			b.Detach(BrokenOff)
			if resent, _ := b.Attach(discard{}, "r@c/w"); resent != want {
				t.Errorf("answered: %t: %d sent again, want %d", answered, resent, want)
			}
		}
	})
}

// Two workers may have had the same notification in flight: each finds his own in the
// history, behind that of the other.
func TestWhatIsFoundInTheHistoryIsNotSentAgain(t *testing.T) {
	m := testMinter(t)
	b := newSteady(5, m)
	b.Attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.Detach(BrokenOff)
	b.Seen([]byte(m.ID("1")), []byte("r@c/w2"), false, time.Time{})
	b.Seen([]byte(m.ID("1")), []byte("r@c/w"), true, time.Time{})
	if resent, possible := b.Attach(discard{}, "r@c/w"); resent != 0 || possible != 0 {
		t.Errorf("%d sent again, %d of them possible duplicates", resent, possible)
	}
}

// Another worker may be back first, and send again what it had sent before our last.
// Ours before that are missing all the same.
func TestWhatAnotherWorkerSentAgainDoesNotStandForOurs(t *testing.T) {
	m := testMinter(t)
	b := newSteady(5, m)
	b.Attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.Seen([]byte(m.ID("1")), []byte("r@c/w"), true, time.Time{})
	b.Seen([]byte(m.ID("theirs")), []byte("r@c/w2"), false, time.Time{})
	post(t, b, "2")
	b.Seen([]byte(m.ID("2")), []byte("r@c/w"), true, time.Time{})
	b.Detach(BrokenOff) // killed before others were shown anything
	b.Seen([]byte(m.ID("theirs")), []byte("r@c/w2"), false, time.Time{})
	var sent posts
	b.Attach(&sent, "r@c/w")
	if got := strings.Join(sent, " "); got != "1 2" {
		t.Errorf("sent again: %s", got)
	}
}

type posts []string

func (p *posts) Post(_ string, c Content) { *p = append(*p, c.Body) }
func (p *posts) Send()                    {}

// What was in flight and is told comes after all that we had seen: the end is
// there, whatever else of it was never stored, or was numbered later.
func TestWhatWasInFlightProvesThatTheEndIsThere(t *testing.T) {
	m := testMinter(t)
	b := newSteady(5, m)
	b.Seen([]byte(m.ID("history")), []byte("r@c/w2"), false, time.Time{})
	b.Seen([]byte(m.ID("archive")), []byte("r@c/w2"), false, time.Time{}) // older, but told later
	b.Attach(discard{}, "r@c/w")
	b.Seen([]byte(m.ID("not stored")), []byte("r@c/w2"), false, time.Time{})
	post(t, b, "1")
	b.Detach(BrokenOff)
	b.Seen([]byte(m.ID("history")), []byte("r@c/w2"), false, time.Time{})
	b.Seen([]byte(m.ID("1")), []byte("r@c/w"), false, time.Time{})
	if resent, possible := b.Attach(discard{}, "r@c/w"); resent != 0 || possible != 0 {
		t.Errorf("%d sent again, %d of them possible duplicates", resent, possible)
	}
}

// A server that is shut down may end our connection before others have got what
// it has reflected to us.
func TestWhatAServerReflectedBeforeItWentDownIsSentAgain(t *testing.T) {
	m := testMinter(t)
	for end, want := range map[Ending]int{BrokenOff: 1, ShutDown: 1, SessionOver: 0} {
		b := New(1, m)
		b.Attach(discard{}, "r@c/w")
		post(t, b, "1")
		b.Seen([]byte(m.ID("1")), []byte("r@c/w"), true, time.Time{})
		b.Detach(end)
		if resent, possible := b.Attach(discard{}, "r@c/w"); resent != want || possible != want {
			t.Errorf("%v: %d sent again, %d of them possible duplicates, want %d", end, resent, possible, want)
		}
	}
}

// What is sent again from another address, and shown, is known from that occupant.
func TestWhatWasSentAgainFromAnotherAddressIsRecognised(t *testing.T) {
	m := testMinter(t)
	id := []byte(m.ID("1"))
	b := New(1, m)
	b.Attach(discard{}, "r@c/w")
	post(t, b, "1")
	b.Seen(id, []byte("r@c/w"), true, time.Time{})
	b.Detach(BrokenOff)
	b.Attach(discard{}, "r@c/w-2") // the server has forgotten it
	b.Seen(id, []byte("r@c/w-2"), true, time.Time{})
	b.Detach(BrokenOff)
	b.Seen(id, []byte("r@c/w-2"), false, time.Time{}) // it has not
	if resent, possible := b.Attach(discard{}, "r@c/w-2"); resent != 0 || possible != 0 {
		t.Errorf("%d sent again, %d of them possible duplicates", resent, possible)
	}
}

// An archive may store what the room never shows. Where the history tells of that time,
// what it does not tell was not shown.
func TestAnArchiveProvesNothingThatTheHistoryWouldHaveTold(t *testing.T) {
	m := testMinter(t)
	for covered, want := range map[bool]int{true: 1, false: 0} {
		b := newSteady(5, m)
		b.Attach(discard{}, "r@c/w")
		post(t, b, "1")
		b.Detach(BrokenOff)
		b.Archived([]byte(m.ID("1")), []byte("r@c/w"), true, covered, time.Now())
		if resent, _ := b.Attach(discard{}, "r@c/w"); resent != want {
			t.Errorf("the history tells of that time: %t: %d sent again, want %d", covered, resent, want)
		}
	}
}
