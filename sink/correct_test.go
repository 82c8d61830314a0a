package sink_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// correct submits a message that corrects another, and waits until it is settled.
func (c *client) correct(name, of string) sink.Result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	c.mu.Lock()
	n := len(c.results)
	c.mu.Unlock()
	m := sink.Message{Identity: name, Body: name, Corrects: of, Done: func(r sink.Result) { c.done(name, r) }}
	if err := c.Submit(ctx, m); err != nil {
		c.t.Fatal(err)
	}
	return c.settled(n + 1)[name]
}

// replaced returns the id that the last message of the room replaces, "" for none.
func replaced(srv *sinktest.Server) string {
	posts := srv.Transcript()
	_, rest, found := strings.Cut(posts[len(posts)-1].Inner, "<replace xmlns='urn:xmpp:message-correct:0' id='")
	id, _, _ := strings.Cut(rest, "'/>")
	if !found {
		return ""
	}
	return id
}

// Where the room tells which messages are of one account, any worker corrects, also
// after a restart; elsewhere only the session that posted the alarm.
func TestRecoveryCorrectsTheAlarm(t *testing.T) {
	for name, cfg := range map[string]sinktest.Config{
		"history": {}, "archive": {HistorySize: -1, Archive: true}, "ejabberd": {Profile: sinktest.Ejabberd()},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, cfg)
			settings := settings(t, srv)
			settings.EditWithin = 20
			first := openRoom(t, settings)
			first.post(0, 5)
			first.delivered(5)
			alarm := srv.Transcript()[3].ID
			if r := first.correct("3 is over", "message 3"); r.Replaced != alarm || replaced(srv) != alarm {
				t.Errorf("in the same session it replaces %q, %q", r.Replaced, replaced(srv))
			}
			first.stop()
			settings.Nick = "another"
			second := openRoom(t, settings)
			second.joined()
			want := alarm
			if cfg.Profile.NoOccupantIDs {
				want = ""
			}
			if r := second.correct("3 is over at last", "3 is over"); r.Outcome != sink.Delivered || r.Replaced != want || replaced(srv) != want {
				t.Errorf("another worker replaces %q, %q, want %q", r.Replaced, replaced(srv), want)
			}
			second.post(5, 26)
			second.delivered(22)
			second.correct("4 is over", "message 4")
			if got := replaced(srv); got != "" {
				t.Errorf("what is too far up is replaced: %q", got)
			}
		})
	}
}

// Whoever posts our ids, or says that ours replace others, misleads nobody.
func TestForgedCorrectionsAreIgnored(t *testing.T) {
	srv := startServer(t, sinktest.Config{HistorySize: -1})
	settings := settings(t, srv)
	settings.EditWithin = 20
	first := openRoom(t, settings)
	first.post(0, 2)
	first.delivered(2)
	posts := srv.Transcript()
	first.stop()
	second := openRoom(t, settings)
	second.joined()
	for _, p := range posts {
		srv.InjectRaw(fmt.Sprintf("<message type='groupchat' from='%s/evil' id='%s'><body>x</body><replace xmlns='urn:xmpp:message-correct:0' id='%s'/>"+
			"<occupant-id xmlns='urn:xmpp:occupant-id:0' id='evil'/></message>", srv.RoomJID(), p.ID, posts[0].ID))
	}
	if r := second.correct("1 is over", "message 1"); r.Replaced != "" || replaced(srv) != "" {
		t.Errorf("what another has shown is replaced: %q", r.Replaced)
	}
}
