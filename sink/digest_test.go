package sink_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// digest submits messages from..to-1 as one. Its text is their numbers.
func (c *client) digest(from, to int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	var m sink.Message
	for i := from; i < to; i++ {
		body := fmt.Sprintf("message %d", i)
		m.Members = append(m.Members, sink.Member{Identity: body, Done: func(r sink.Result) { c.done(body, r) }})
	}
	m.Compose = func(members []int) (body, extra string) {
		var numbers []string
		for _, i := range members {
			numbers = append(numbers, strconv.Itoa(from+i))
		}
		return strings.Join(numbers, " "), ""
	}
	if err := c.Submit(ctx, m); err != nil {
		c.t.Fatalf("submit a digest: %v", err)
	}
}

// A worker that comes later knows from the history, or the archive, all that digests
// have shown.
func TestDigestsAreRecalled(t *testing.T) {
	for name, cfg := range map[string]sinktest.Config{
		"history": {}, "ejabberd": {Profile: sinktest.Ejabberd()}, "archive": {HistorySize: -1, Archive: true},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, cfg)
			first := openRoom(t, settings(t, srv))
			for i := range 10 {
				first.digest(100*i, 100*i+100)
			}
			first.delivered(1000)
			if r := first.results["message 7"]; r.Together != 100 || r.ID != srv.Transcript()[0].ID {
				t.Errorf("settled as %+v", r)
			}
			first.stop()
			second := openRoom(t, settings(t, srv))
			second.joined()
			second.post(0, 500)
			second.digest(500, 1000)
			second.suppressed(1000)
			if n := len(srv.Transcript()); n != 10 {
				t.Errorf("%d messages were posted", n)
			}
		})
	}
}

// A worker that is in the room sees what the digests of others show.
func TestDigestsOfOthersAreKnown(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	cfg := settings(t, srv)
	cfg.Nick = "second"
	first, second := openRoom(t, settings(t, srv)), openRoom(t, cfg)
	second.joined()
	first.digest(0, 50)
	first.delivered(50)
	second.post(50, 51) // what comes before it has been seen then
	second.delivered(1)
	second.digest(0, 50)
	if results := second.settled(51); results["message 7"].Outcome != sink.Suppressed || len(srv.Transcript()) != 2 {
		t.Errorf("settled as %+v; the room has shown %q", results["message 7"], shown(srv))
	}
}

// An occupant who repeats or alters what a digest shows suppresses nothing.
func TestForgedDigestsSuppressNothing(t *testing.T) {
	srv := startServer(t, sinktest.Config{HistorySize: -1})
	first := openRoom(t, settings(t, srv))
	first.digest(0, 2)
	first.digest(2, 4)
	first.delivered(4)
	first.stop()
	posts := srv.Transcript()
	second := openRoom(t, settings(t, srv))
	second.joined()
	for _, forged := range []struct{ id, inner string }{
		{posts[0].ID, posts[1].Inner},
		{posts[1].ID, posts[0].Inner},
		{"made up", posts[0].Inner},
		{posts[0].ID, strings.ReplaceAll(posts[0].Inner, "'>", "'> ")},
		{posts[0].ID, strings.ReplaceAll(posts[0].Inner, "<digest ", "<nested><digest ") + "</nested>"},
		{posts[0].ID, "<digest xmlns='urn:xmpp-notifier:digest:1'>" + strings.Repeat("A", 200_000) + "</digest>"},
	} {
		srv.InjectRaw("<message type='groupchat' from='" + srv.RoomJID() + "/evil' id='" + forged.id + "'>" + forged.inner + "</message>")
	}
	second.digest(0, 4)
	second.delivered(4)
	if got := shown(srv); got[len(got)-1] != "0 1 2 3" {
		t.Errorf("the room has shown %q", got)
	}
}

// A room that shows only texts cannot tell what a digest shows: it gets no more.
func TestRoomThatDropsElementsGetsNoDigests(t *testing.T) {
	for name, profile := range map[string]sinktest.Profile{"only elements": {OnlyBody: true}, "ids as well": sinktest.Unstable()} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, sinktest.Config{Profile: profile})
			c := openRoom(t, settings(t, srv))
			c.joined()
			if c.MaxMembers() < 500 {
				t.Errorf("at first up to %d are taken together", c.MaxMembers())
			}
			c.digest(0, 3)
			c.delivered(3)
			if c.MaxMembers() != 0 {
				t.Errorf("up to %d are still taken together", c.MaxMembers())
			}
			c.digest(3, 5)
			c.delivered(5)
			if got := shown(srv); !slices.Equal(got, []string{"0 1 2", "3", "4"}) {
				t.Errorf("the room has shown %q", got)
			}
		})
	}
}

// A digest that breaks a rule of the room is taken apart: only what is at fault is not
// shown.
func TestRejectedDigestIsTakenApart(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	srv.BounceMatching(func(p sinktest.Post) bool { return slices.Contains(strings.Fields(p.Body), "33") },
		sinktest.StanzaError{Type: "modify", Condition: "policy-violation"}, -1)
	c := openRoom(t, settings(t, srv))
	c.digest(0, 100)
	c.post(100, 101)
	results := c.settled(101)
	for body, r := range results {
		if want := map[bool]sink.Outcome{true: sink.Rejected, false: sink.Delivered}[body == "message 33"]; r.Outcome != want {
			t.Errorf("%s: outcome %d", body, r.Outcome)
		}
	}
	var numbers []string
	for _, text := range shown(srv) {
		numbers = append(numbers, strings.Fields(strings.TrimPrefix(text, "message "))...)
	}
	if len(numbers) != 100 || len(srv.Transcript()) > 12 {
		t.Errorf("shown: %q", shown(srv))
	}
}

// A server that ends the stream for a long stanza gets shorter digests.
func TestDigestsKeepToTheLimitOfTheServer(t *testing.T) {
	srv := startServer(t, sinktest.Config{MaxStanzaBytes: 20_000})
	c := openRoom(t, settings(t, srv))
	c.digest(0, 1500)
	c.delivered(1500)
	for _, p := range srv.Transcript() {
		if len(p.Inner) > 20_000 || !strings.Contains(p.Inner, "<digest ") || strings.HasSuffix(p.Body, "[…]") {
			t.Errorf("posted %d bytes: %.80s…", len(p.Inner), p.Body)
		}
	}
	if n := c.MaxMembers(); n > 20_000/2/16 {
		t.Errorf("up to %d are taken together", n)
	}
}

// Whatever breaks the connection while digests are in flight, each is shown once.
func TestDigestsAreShownOnceOverInterruptions(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	n := 0
	for round := range 6 {
		if round%2 == 0 {
			srv.CutAfterPosts(5)
		} else {
			srv.CutBeforePosts(5)
		}
		for range 10 {
			c.digest(n, n+20)
			n += 20
		}
		c.delivered(n)
	}
	var numbers []string
	for _, text := range shown(srv) {
		numbers = append(numbers, strings.Fields(text)...)
	}
	for i, number := range numbers {
		if number != strconv.Itoa(i) || len(numbers) != n {
			t.Fatalf("%d are shown, at %d: %q", len(numbers), i, numbers[max(0, i-2):min(i+3, len(numbers))])
		}
	}
}
