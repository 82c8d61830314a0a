package sink_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// A worker without a voice stays in the room, says what is to be done, and goes on as soon
// as the room gives it one.
func TestWithoutVoiceTheWorkerStays(t *testing.T) {
	for name, before := range map[string]bool{"from the start": true, "taken away": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, sinktest.Config{})
			if before {
				srv.RemoveVoice("notifier")
			}
			c := openRoom(t, settings(t, srv))
			c.joined()
			srv.RemoveVoice("notifier")
			c.post(0, 10)
			c.logged("grant the account of XMPP_JID voice")
			c.logged("no voice in the room: sending nothing")
			c.awaitOutside() // it may not post
			if got := shown(srv); len(got) > 0 {
				t.Errorf("shown without a voice: %q", got)
			}
			srv.GiveVoice("notifier")
			c.delivered(10)
			c.joined()
			checkShown(t, srv, bodies(10))
			if n := len(srv.Joins()); n != 1 {
				t.Errorf("it joined %d times", n)
			}
			if log := c.log.String(); strings.Count(log, "no voice in the room") != 1 || !strings.Contains(log, "granted again") {
				t.Errorf("the log does not say both once:\n%s", log)
			}
		})
	}
}

// What a room bounces for want of a voice is not tried again at once: nothing else would come of it.
func TestWithoutVoiceNothingIsSent(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	w := observed(t, settings(t, srv))
	w.next(sink.Joined)
	srv.RemoveVoice("notifier")
	for range 5 {
		if err := w.Submit(t.Context(), sink.Message{Body: "hello", Done: func(sink.Result) {}}); err != nil {
			t.Fatal(err)
		}
	}
	if e := w.next(sink.Voice); e.Err == nil || !strings.Contains(e.Err.Error(), "no voice") {
		t.Errorf("got %v", e.Err)
	}
	bounced := 0
	for limit := time.After(time.Second); ; {
		select {
		case e := <-w.events:
			if e.Kind == sink.Bounced {
				bounced++
			}
			continue
		case <-limit:
		}
		break
	}
	if bounced > 5 {
		t.Errorf("%d bounces of 5 messages", bounced)
	}
	srv.GiveVoice("notifier")
	if e := w.next(sink.Voice); e.Err != nil {
		t.Errorf("got %v", e.Err)
	}
}

// A state of the room, like one that lets us post nothing although we have a voice, is no
// fault of a message: nothing is given up.
func TestRoomStateNeverRejects(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	var open atomic.Bool
	c := openRoom(t, settings(t, srv))
	c.joined()
	srv.BounceMatching(func(sinktest.Post) bool { return !open.Load() }, sinktest.StanzaError{Type: "auth", Condition: "forbidden"}, -1)
	c.post(0, 10)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := srv.Wait(ctx, func() bool { return len(srv.Joins()) > 5 }); err != nil {
		t.Fatal("no new attempts:", err)
	}
	if len(shown(srv)) > 0 {
		t.Error("shown although refused")
	}
	open.Store(true)
	c.delivered(10)
	checkShown(t, srv, bodies(10))
	if !strings.Contains(c.log.String(), "grant the account of XMPP_JID voice") {
		t.Errorf("the log does not name the fix")
	}
}
