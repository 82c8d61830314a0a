package sink_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// An archive that is announced and closed tells nothing, at no join.
func TestAClosedArchiveTellsNothing(t *testing.T) {
	srv := startServer(t, sinktest.Config{Archive: true})
	srv.RefuseArchive(sinktest.StanzaError{Type: "auth", Condition: "forbidden"}, false)
	w := observed(t, settings(t, srv))
	for join := range 4 { // from the second on the history tells enough, and the archive is not asked
		w.next(sink.Joined)
		if depth := w.HistoryDepth(); depth != 16 {
			t.Errorf("after join %d the room is said to tell %d messages", join+1, depth)
		}
		done := make(chan sink.Result, 1)
		if err := w.Submit(t.Context(), sink.Message{Body: "message", Done: func(r sink.Result) { done <- r }}); err != nil {
			t.Fatal(err)
		}
		<-done
		srv.Kick("notifier", 307)
	}
}

// The longest message is tried again: the server may have refused something else.
func TestLongMessagesAreTriedAgainAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wires := &pipes{conns: make(chan net.Conn, 10)}
		srv := startServer(t, sinktest.Config{Listen: wires.listen})
		c := openRoomBy(t, settings(t, srv), wires.dial)
		long := func(n int) int {
			t.Helper()
			body := fmt.Sprint(n, strings.Repeat(" lang", 8_000))
			if err := c.Submit(t.Context(), sink.Message{Identity: body, Body: body, Done: func(r sink.Result) { c.done(body, r) }}); err != nil {
				t.Fatal(err)
			}
			c.delivered(n)
			return len(shown(srv)[n-1])
		}
		whole := long(1)
		srv.SlowRoom(time.Second) // so that the message is in flight when the stream ends
		go func() {
			<-time.After(100 * time.Millisecond)
			srv.StreamError("policy-violation", "for another reason")
			srv.SlowRoom(0)
		}()
		long(2)
		if n := long(3); n >= whole {
			t.Errorf("after the refusal %d bytes are shown", n)
		}
		<-time.After(time.Hour)
		srv.DropConnections()
		if n := long(4); n != whole {
			t.Errorf("an hour later %d bytes are shown, want %d", n, whole)
		}
		c.stop()
		srv.Close()
	})
}
