//go:build real

package sink_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// once checks that the room has shown each of n numbers once, whether in a digest or
// alone, in order.
func (w *watcher) once(n int) {
	w.sc.Helper()
	var numbers []string
	w.sc.until(fmt.Sprintf("the room has shown %d notifications", n), func() error {
		numbers = nil
		for _, m := range w.shown() {
			numbers = append(numbers, strings.Fields(strings.TrimPrefix(m.Body, "message "))...)
		}
		if len(numbers) < n {
			return fmt.Errorf("it has shown %d", len(numbers))
		}
		return nil
	})
	var want []string
	for i := range n {
		want = append(want, strconv.Itoa(i))
	}
	if w.sc.disorder {
		slices.Sort(numbers)
		slices.Sort(want)
	}
	if !slices.Equal(numbers, want) {
		w.sc.Errorf("the room has shown %d notifications, want %d: %s", len(numbers), n, difference(numbers, want))
	}
}

// digests: a worker in the room, and one that comes later, know all that digests have
// shown, and what was cut off in the middle is shown once.
func digests(sc *scene) {
	w, first, second := sc.twoWorkers()
	for i := range 8 {
		if i == 4 {
			first.delivered(4 * 100)
			sc.proxy.Reset()
		}
		first.digest(100*i, 100*i+100)
	}
	first.delivered(800)
	second.joined()
	second.post(800, 801) // once this is shown, the second has seen all before
	second.settled(1)
	second.digest(0, 400)
	second.post(400, 800)
	for body, r := range second.settled(801) {
		if r.Outcome != sink.Suppressed && body != "message 800" {
			sc.Errorf("seen live, %s: outcome %d", body, r.Outcome)
		}
	}
	first.stop()
	third := openRoom(sc.T, sc.settings())
	third.joined()
	third.digest(0, 801)
	third.suppressed(801) // told by the history
	w.once(801)
	if first.MaxMembers() < 500 {
		sc.Errorf("up to %d are taken together", first.MaxMembers())
	}
}

// digestsInTheArchive: a room without a history tells from its archive what digests
// have shown.
func digestsInTheArchive(sc *scene) {
	if sc.name != "Prosody" && sc.name != "ejabberd" {
		return // no archive
	}
	server, err := sc.start(sc.Context(), testbed.Options{Dir: sc.TempDir(), Archive: true, HistorySize: -1})
	sc.must(err)
	defer func() { sc.must(server.Kill()) }()
	archive := newScene(sc.T, sc.habits, server, "archive")
	archive.create(owner.Room{})
	w := archive.watch()
	first := openRoom(sc.T, archive.settings())
	for i := range 60 { // more than one page
		first.digest(50*i, 50*i+50)
	}
	first.delivered(3000)
	first.stop()
	second := openRoom(sc.T, archive.settings())
	second.joined()
	for i := range 6 {
		second.digest(500*i, 500*i+500)
	}
	second.suppressed(3000)
	w.once(3000)
}

// forgedDigests: an occupant who posts what digests have shown under other ids, or
// alters it under theirs, suppresses nothing for a worker that has not seen them.
func forgedDigests(sc *scene) {
	if sc.name == "Vysper" || sc.name == "jabberd2" {
		return // their rooms always keep a history, which tells what is genuine
	}
	server, err := sc.start(sc.Context(), testbed.Options{Dir: sc.TempDir(), HistorySize: -1})
	sc.must(err)
	defer func() { sc.must(server.Kill()) }()
	forgetful := newScene(sc.T, sc.habits, server, "forgetful")
	forgetful.create(owner.Room{})
	w := forgetful.watch()
	w.only = "notifier"
	first := openRoom(sc.T, forgetful.settings())
	first.digest(0, 3)
	first.digest(3, 6)
	first.delivered(6)
	first.stop()
	w.wait(2)
	posts := w.shown()
	a, b := element(posts[0].Inner), element(posts[1].Inner)
	if a == "" || b == "" {
		sc.Fatalf("no element in %q and %q", posts[0].Inner, posts[1].Inner)
	}
	second := openRoom(sc.T, forgetful.settings())
	second.joined()
	evil := forgetful.login("other")
	_, err = evil.Enter(sc.Context(), "evil", "")
	sc.must(err)
	room := forgetful.room + "@" + server.MUC
	for _, forged := range []struct{ id, element string }{
		{posts[0].ID, b}, {posts[1].ID, a}, {"made-up", a}, {posts[0].ID, strings.Replace(a, "'>", "'> ", 1)}, {posts[0].ID, a[:len(a)-26] + "</digest>"},
	} {
		sc.must(evil.Send(fmt.Sprintf("<message type='groupchat' to='%s' id='%s'><body>forged</body>%s</message>", room, forged.id, forged.element)))
	}
	sc.must(evil.Alive(sc.Context()))
	second.digest(0, 6)
	second.delivered(6)
	w.wait(3)
	if last := w.shown()[2].Body; last != "0 1 2 3 4 5" {
		sc.Errorf("the room has shown %q", last)
	}
}

// element is the one that names what a digest shows.
func element(inner string) string {
	_, rest, _ := strings.Cut(inner, "<digest ")
	attributes, rest, _ := strings.Cut(rest, ">")
	names, _, found := strings.Cut(rest, "</digest>")
	if !found {
		return ""
	}
	return "<digest " + attributes + ">" + names + "</digest>"
}
