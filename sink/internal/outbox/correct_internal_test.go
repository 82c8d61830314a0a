package outbox

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func (w *worker) correction(name, of string) Message {
	m := w.single(name)
	m.Corrects = of
	return m
}

// editor makes a worker whose room tells the accounts, or does not.
func editor(t *testing.T, byAccount bool) *worker {
	t.Helper()
	w := enterRoom(t, 16)
	w.CorrectWithin(3)
	w.CorrectByAccount(byAccount)
	return w
}

// show posts messages, and has the room show them.
func (w *worker) show(messages ...Message) {
	w.t.Helper()
	for _, m := range messages {
		w.submit(m)
		w.reflect(w.posts[len(w.posts)-1], us)
	}
}

// wantReplaced checks which message the last post replaces, "" for none.
func (w *worker) wantReplaced(of string) {
	w.t.Helper()
	want := ""
	if of != "" {
		want = w.ids.ID(of)
	}
	if got := w.posts[len(w.posts)-1].Replaces; got != want {
		w.t.Errorf("%s replaces %q, want %q", w.posts[len(w.posts)-1].Body, got, want)
	}
}

// A correction replaces what people still have before them, and names the first
// message however often that is corrected.
func TestCorrectionReplacesWhatWasShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, false)
		w.show(w.single("alarm"), w.single("1"), w.correction("worse", "alarm"))
		w.wantReplaced("alarm")
		if got := w.results["worse"]; got.Outcome != Delivered || got.Replaced != w.ids.ID("alarm") {
			t.Errorf("settled as %+v", got)
		}
		w.show(w.single("2"), w.correction("resolved", "worse"))
		w.wantReplaced("alarm")
		w.show(w.correction("of nothing", "unknown"))
		w.wantReplaced("")
	})
}

// What is too far up is not corrected.
func TestCorrectionOfWhatIsTooFarUpIsAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for after, want := range map[int]string{3: "alarm", 4: ""} {
			w := editor(t, true)
			w.show(w.single("alarm"))
			for i := range after {
				w.show(w.single(fmt.Sprint(i)))
			}
			w.show(w.correction("resolved", "alarm"))
			w.wantReplaced(want)

			w = editor(t, true)
			w.show(w.single("alarm"))
			for i := range after { // in flight
				w.submit(w.single(fmt.Sprint(i)))
			}
			w.submit(w.correction("resolved", "alarm"))
			w.wantReplaced(want)
		}
	})
}

// An alarm may be in flight before its correction.
func TestCorrectionOfWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, false)
		w.submit(w.single("alarm"), w.correction("resolved", "alarm"))
		w.wantReplaced("alarm")
		first := w.posts[1]
		w.reconnect()
		if len(w.posts) != 2 || w.posts[1] != first {
			t.Errorf("sent again as %+v, was %+v", w.posts, first)
		}
		w.submit(w.digest("a", "b"), w.correction("a is over", "a"))
		w.wantReplaced("")
	})
}

// If the alarm is not ours any more when the correction is sent again, that is a message.
func TestCorrectionOfWhatWasLostInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, true)
		alarm, lost := w.single("alarm"), make(chan struct{})
		alarm.Lost = lost
		w.submit(alarm, w.correction("resolved", "alarm"))
		w.wantReplaced("alarm")
		close(lost)
		w.reconnect()
		w.wantReplaced("")
	})
}

// Another session may correct only where readers tell by the account.
func TestCorrectionByAnotherSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for byAccount, want := range map[bool]string{true: "alarm", false: ""} {
			w := editor(t, byAccount)
			w.show(w.single("alarm"))
			alarm := w.posts[0]
			w.Detach(SessionOver)
			w.Attach(w, us)
			w.show(w.correction("resolved", "alarm"))
			w.wantReplaced(want)

			other := editor(t, byAccount) // has just come
			other.Detach(SessionOver)
			other.Seen([]byte(alarm.id), []byte(them), false, time.Now())
			other.NoteDetails([]byte(alarm.id), Details{Account: true, At: time.Now()})
			other.Attach(other, us)
			other.show(other.correction("resolved", "alarm"))
			other.wantReplaced(want)
		}
	})
}

// The same when the correction is sent again: meanwhile another session may have shown the
// alarm, and a server may have forgotten what it has shown.
func TestCorrectionThatIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for byAccount, want := range map[bool]string{true: "alarm", false: ""} {
			w := editor(t, byAccount)
			w.submit(w.single("alarm"), w.correction("resolved", "alarm"))
			w.wantReplaced("alarm")
			w.Detach(BrokenOff)
			alarm := []byte(w.ids.ID("alarm"))
			w.Seen(alarm, []byte(them), false, time.Now())
			w.NoteDetails(alarm, Details{Account: true, At: time.Now()})
			w.clear()
			w.Attach(w, us)
			w.wantPosts("resolved")
			w.wantReplaced(want)

			w = editor(t, byAccount)
			w.show(w.single("alarm"))
			time.Sleep(time.Minute)
			w.Alive(time.Now())
			w.show(w.correction("resolved", "alarm"))
			w.reconnect()
			w.wantPosts("resolved")
			w.wantReplaced(want)
		}
	})
}

// What was posted as a message is sent again as one, although the alarm is known by then: no
// line tells of it.
func TestMessageStaysOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, true)
		w.submit(w.correction("resolved", "alarm"))
		alarm := said{id: w.ids.ID("alarm")}
		w.Detach(BrokenOff)
		w.Seen([]byte(alarm.id), []byte(us), true, time.Now())
		w.NoteDetails([]byte(alarm.id), Details{Account: true, At: time.Now()})
		w.clear()
		w.Attach(w, us)
		w.wantPosts("resolved")
		w.wantReplaced("")
	})
}

// What others have shown is not corrected, and they cannot say what ours replaced.
func TestOnlyOursIsCorrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, true)
		alarm := said{id: w.ids.ID("alarm")}
		w.Seen([]byte(alarm.id), []byte("r@c/evil"), false, time.Time{})
		w.NoteDetails([]byte(alarm.id), Details{})
		w.show(w.correction("resolved", "alarm"))
		w.wantReplaced("")
		w.show(w.single("ours"), w.single("target"))
		w.NoteDetails([]byte(w.ids.ID("ours")), Details{Replaces: []byte(w.ids.ID("target"))})
		w.show(w.correction("ours is over", "ours"))
		w.wantReplaced("ours")
	})
}

// The order is that of the room, in whatever order it tells.
func TestCorrectionsKnowTheOrderOfTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, true)
		w.Detach(SessionOver)
		now := time.Now()
		for _, age := range []int{3, 2, 1, 6, 5, 4} { // the history, then an older page of the archive
			id := []byte(w.ids.ID(fmt.Sprint(age)))
			w.Seen(id, []byte(us), true, now.Add(-time.Duration(age)*time.Minute))
			w.NoteDetails(id, Details{Own: true, Account: true, At: now.Add(-time.Duration(age) * time.Minute)})
		}
		w.Attach(w, us)
		w.submit(w.correction("3 is over", "3"))
		w.wantReplaced("3")
		w.submit(w.correction("6 is over", "6"))
		w.wantReplaced("")
	})
}

// What a history tells is dated to the second, and perhaps by another clock: what is shown
// live comes after it.
func TestWhatIsShownLiveFollowsTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, true)
		w.Detach(SessionOver)
		id := []byte(w.ids.ID("alarm"))
		soon := time.Now().Add(time.Second)
		w.Seen(id, []byte(us), true, soon)
		w.NoteDetails(id, Details{Own: true, Account: true, At: soon})
		w.Attach(w, us)
		for i := range 4 {
			w.show(w.single(fmt.Sprint(i)))
		}
		w.show(w.correction("resolved", "alarm"))
		w.wantReplaced("")
	})
}

// What tells of a correction is posted only beside one.
func TestLineBesideACorrection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, false)
		line := func(name, of string) Message {
			m := w.single(name)
			m.Accompanies = of
			return m
		}
		w.show(w.single("alarm"))
		w.submit(w.correction("resolved", "alarm"), line("line", "resolved"), w.correction("message", "unknown"), line("no line", "message"))
		w.wantPosts("alarm", "resolved", "line", "message")
		w.want(Suppressed, "no line")
		for _, p := range w.posts[1:] {
			w.reflect(p, us)
		}
		w.want(Delivered, "resolved", "line", "message")
		w.submit(line("later", "resolved"), line("no line later", "message")) // by who was redelivered it
		w.wantPosts("alarm", "resolved", "line", "message", "later")
	})
}

// A correction that a server has forgotten is sent again as a message of its own, if readers
// tell by the session. Then that is what the next one corrects.
func TestCorrectionOfWhatIsNoCorrectionAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, false)
		w.show(w.single("alarm"))
		time.Sleep(time.Minute)
		w.Alive(time.Now()) // others have been shown the alarm
		w.show(w.correction("worse", "alarm"))
		w.wantReplaced("alarm")
		w.reconnect()
		w.wantPosts("worse")
		w.wantReplaced("")
		w.reflectAll()
		w.show(w.correction("resolved", "worse"))
		w.wantReplaced("worse")
	})
}

// A correction that the room refuses for its pace is sent again as one.
func TestCorrectionStaysOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := editor(t, false)
		w.show(w.single("alarm"))
		w.submit(w.correction("resolved", "alarm"))
		w.Bounce([]byte(w.posts[1].id), AboutPace, errors.New("wait"))
		w.Flush()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(w.posts) != 3 || w.posts[2] != w.posts[1] {
			t.Errorf("posted %+v", w.posts)
		}
	})
}
