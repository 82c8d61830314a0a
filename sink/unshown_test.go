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

// place is where a notification of a test is from.
type place string

func (p place) Place() string { return string(p) }

// inBubble runs a test in a bubble of testing/synctest, with a client in the room, which
// has shown its first message, and with the usual limits.
func inBubble(t *testing.T, test func(*testing.T, *sinktest.Server, *client)) {
	t.Helper()
	inBubbleWith(t, 16, test)
}

// inBubbleWith is inBubble for so many messages in flight.
func inBubbleWith(t *testing.T, inFlight int, test func(*testing.T, *sinktest.Server, *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		wires := &pipes{conns: make(chan net.Conn, 10)}
		srv := startServer(t, sinktest.Config{Listen: wires.listen})
		cfg := settings(t, srv)
		cfg.PingInterval, cfg.StallTimeout, cfg.ReconnectMax = 30*time.Second, time.Minute, 30*time.Second
		cfg.MaxInFlight = inFlight
		c := openRoomBy(t, cfg, wires.dial)
		c.post(0, 1)
		c.delivered(1)
		srv.LoseMatching(poisonous)
		test(t, srv, c)
		c.stop()
		srv.Close()
	})
}

// poison submits one message that the room swallows.
func (c *client) poison(body string) {
	c.t.Helper()
	err := c.Submit(c.t.Context(), sink.Message{Identity: body, Body: body, Origin: place("at " + body), Done: func(r sink.Result) { c.done(body, r) }})
	if err != nil {
		c.t.Fatal(err)
	}
}

// outcome is what became of a message, 0: nothing yet.
func (c *client) outcome(body string) sink.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.results[body]
}

// A message that the room swallows, and that nothing follows, is told with its place and
// holds up nothing. It is sent again less and less often. The next one that the room shows
// decides.
func TestASwallowedMessageThatNothingFollows(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *sinktest.Server, c *client) {
		c.poison("poison")
		<-time.After(6 * time.Hour)
		list := c.Unshown()
		if len(list) != 1 || list[0].Place != "at poison" || list[0].ID == "" || list[0].Why == "" {
			t.Errorf("unshown: %+v", list)
		}
		if got := strings.Count(c.log.String(), `place="at poison"`); got != 1 {
			t.Errorf("the log tells of it %d times", got)
		}
		if joins := len(srv.Joins()); joins > 16 {
			t.Errorf("%d joins in six hours", joins)
		}
		c.decides("swallowed by the room")
		if list := c.Unshown(); len(list) != 0 {
			t.Errorf("unshown: %+v", list)
		}
	})
}

// decides posts another message. That is shown, and the poison is rejected for the reason why.
func (c *client) decides(why string) {
	c.t.Helper()
	c.post(1, 2)
	<-time.After(10 * time.Second)
	if r := c.outcome("message 1"); r.Outcome != sink.Delivered {
		c.t.Errorf("what follows: %+v", r)
	}
	if r := c.outcome("poison"); r.Outcome != sink.Rejected || !strings.Contains(fmt.Sprint(r.Err), why) {
		c.t.Errorf("it: %+v", r)
	}
}

// It is the same with one that the room refuses: it is told, and the rest of the time we
// stay in the room.
func TestARefusedMessageThatNothingFollows(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *sinktest.Server, c *client) {
		srv.ClearFaults()
		srv.BounceMatching(poisonous, sinktest.StanzaError{Type: "cancel", Condition: "service-unavailable", Text: "not this"}, -1)
		c.poison("poison")
		<-time.After(6 * time.Hour)
		list := c.Unshown()
		if len(list) != 1 || list[0].Place != "at poison" || !strings.Contains(list[0].Why, "not this") {
			t.Errorf("unshown: %+v", list)
		}
		if got := strings.Count(c.log.String(), `place="at poison"`); got != 1 {
			t.Errorf("the log tells of it %d times", got)
		}
		if joins := len(srv.Joins()); joins > 60 {
			t.Errorf("%d joins in six hours", joins)
		}
		c.decides("not this")
	})
}

// What somebody else says decides as well: the room is well, and has shown ours before.
func TestOthersProveThatTheRoomSwallows(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *sinktest.Server, c *client) {
		c.poison("poison")
		<-time.After(40 * time.Second) // the room was asked, and has answered
		srv.PostAs("somebody", "1", "good evening")
		<-time.After(15 * time.Second)
		if r := c.outcome("poison"); r.Outcome != sink.Rejected {
			t.Errorf("%+v", r)
		}
		if joins := len(srv.Joins()); joins != 1 {
			t.Errorf("%d joins", joins)
		}
	})
}

// A room that shows nothing of ours, whatever others say, is no reason to reject one
// after the other.
func TestARoomThatShowsNothingOfOursRejectsNoMore(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *sinktest.Server, c *client) {
		for i := range 5 {
			c.poison(fmt.Sprint("poison ", i))
			for range 20 {
				<-time.After(time.Minute)
				srv.PostAs("somebody", "1", "good evening")
			}
		}
		rejected := 0
		for i := range 5 {
			if c.outcome(fmt.Sprint("poison ", i)).Outcome == sink.Rejected {
				rejected++
			}
		}
		if rejected > 1 {
			t.Errorf("%d of 5 are rejected", rejected)
		}
		srv.ClearFaults()
		<-time.After(2 * time.Hour)
		for i := range 5 {
			if r := c.outcome(fmt.Sprint("poison ", i)); r.Outcome != sink.Delivered && r.Outcome != sink.Rejected {
				t.Errorf("%d: %+v", i, r)
			}
		}
	})
}
