package sink_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// A history may have our text: of another day, of somebody who had our nickname, of
// a worker with another key. It proves nothing: what was lost is sent again.
func TestTextInTheHistoryProvesNothing(t *testing.T) {
	for name, ids := range map[string]sinktest.IDPolicy{"the room keeps ids": sinktest.KeepIDs, "it does not": sinktest.DropIDs} {
		t.Run(name, func(t *testing.T) {
			profile := sinktest.Prosody()
			profile.IDs = ids
			srv := startServer(t, sinktest.Config{Profile: profile, KeepHistory: true})
			srv.PostAs("notifier", "another id", "message 0") // before us
			w := observed(t, settings(t, srv))
			w.next(sink.Joined)
			srv.LoseNext(1)
			done := make(chan sink.Result, 1)
			if err := w.Submit(t.Context(), sink.Message{Identity: "0", Body: "message 0", Done: func(r sink.Result) { done <- r }}); err != nil {
				t.Fatal(err)
			}
			if err := srv.Wait(t.Context(), func() bool { return srv.Stats().Lost == 1 }); err != nil {
				t.Fatal(err)
			}
			srv.DropConnections()
			if e := w.next(sink.Resent); e.Resent != 1 {
				t.Errorf("%d sent again", e.Resent)
			}
			if r := <-done; r.Outcome != sink.Delivered {
				t.Errorf("outcome %v", r)
			}
			if n := len(srv.Transcript()); n != 2 {
				t.Errorf("the room has shown %d messages", n)
			}
		})
	}
}

// Another connection of the account with our nickname says what we are about to say.
// A room that keeps ids has not shown ours yet.
func TestLiveTextOfAnotherConnectionProvesNothing(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	w := observed(t, settings(t, srv))
	w.next(sink.Joined)
	srv.LoseNext(1)
	done := make(chan sink.Result, 1)
	if err := w.Submit(t.Context(), sink.Message{Identity: "0", Body: "message 0", Done: func(r sink.Result) { done <- r }}); err != nil {
		t.Fatal(err)
	}
	if err := srv.Wait(t.Context(), func() bool { return srv.Stats().Lost == 1 }); err != nil {
		t.Fatal(err)
	}
	if err := w.Submit(t.Context(), sink.Message{Identity: "1", Body: "message 1", Done: func(sink.Result) {}}); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.WaitPosts(t.Context(), 1); err != nil { // the room keeps ids
		t.Fatal(err)
	}
	srv.PostAs("notifier", "another id", "message 0")
	srv.DropConnections()
	w.next(sink.Resent)
	if r := <-done; r.Outcome != sink.Delivered {
		t.Errorf("outcome %v", r)
	}
	if n := len(srv.Transcript()); n != 3 {
		t.Errorf("the room has shown %d messages", n)
	}
}
