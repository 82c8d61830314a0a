package sink_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

func tooMuch() sinktest.StanzaError {
	return sinktest.StanzaError{Type: "wait", Condition: "resource-constraint", Text: "not now"}
}

// submit submits texts, however long that takes.
func (c *client) submit(texts []string) {
	for _, text := range texts {
		if err := c.Submit(c.t.Context(), sink.Message{Identity: text, Body: text, Done: func(r sink.Result) { c.done(text, r) }}); err != nil {
			c.t.Errorf("submit %q: %v", text, err)
		}
	}
}

// A message that the room asks to wait each time, while it takes others, holds up nothing
// for long: it becomes a dead letter with the reason. The others keep their order.
func TestAMessageThatIsAlwaysAskedToWait(t *testing.T) {
	for name, bad := range map[string][]int{"one": {20}, "the first": {0}, "two in a row": {20, 21}, "three in a row": {5, 6, 7}, "many": {3, 11, 19, 27, 35, 43}} {
		for _, inFlight := range []int{1, 4, 16} {
			if inFlight == 1 && len(bad) > 1 {
				continue // as many give their places to others as may be in flight
			}
			t.Run(fmt.Sprintf("%s, %d in flight", name, inFlight), func(t *testing.T) {
				inBubbleWith(t, inFlight, func(t *testing.T, srv *sinktest.Server, c *client) {
					srv.ClearFaults()
					srv.BounceMatching(poisonous, tooMuch(), -1)
					var texts, good []string
					for i := range 50 {
						text := fmt.Sprintf("message %d", i+1)
						if slices.Contains(bad, i) {
							text = fmt.Sprintf("poison %d", i)
						} else {
							good = append(good, text)
						}
						texts = append(texts, text)
					}
					go c.submit(texts)
					<-time.After(5 * time.Minute)
					for _, text := range texts {
						switch r := c.outcome(text); {
						case !strings.HasPrefix(text, "poison"):
							if r.Outcome != sink.Delivered {
								t.Errorf("%s: %+v", text, r)
							}
						case r.Outcome != sink.Rejected || !strings.Contains(fmt.Sprint(r.Err), "not now"):
							t.Errorf("%s: %+v", text, r)
						}
					}
					checkShown(t, srv, append([]string{"message 0"}, good...))
					if n := srv.Stats().Connections; n != 1 {
						t.Errorf("it took %d connections", n)
					}
				})
			})
		}
	}
}

// A room that takes one message in a time makes no dead letter, whatever that time is, and
// keeps the order.
func TestARateLimitIsNoFaultOfAMessage(t *testing.T) {
	for _, pause := range []time.Duration{100 * time.Millisecond, time.Second, 7 * time.Second, time.Minute, 5 * time.Minute} {
		t.Run(pause.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *sinktest.Server, c *client) {
				var last time.Time
				srv.ClearFaults()
				srv.BounceMatching(func(sinktest.Post) bool {
					now := time.Now()
					if now.Sub(last) < pause {
						return true
					}
					last = now
					return false
				}, tooMuch(), -1)
				const n = 50
				go c.submit(bodies(n)[1:])
				<-time.After(3 * n * pause)
				c.delivered(n)
				checkShown(t, srv, bodies(n))
			})
		})
	}
}

// One that nothing follows is sent again ever less often, from within the room, until
// something does.
func TestAMessageThatIsAskedToWaitAndNothingFollows(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *sinktest.Server, c *client) {
		srv.ClearFaults()
		srv.BounceMatching(poisonous, tooMuch(), -1)
		c.poison("poison")
		<-time.After(time.Hour)
		if n := srv.Stats().Bounced; n > 150 {
			t.Errorf("%d refusals in an hour", n)
		}
		if n := len(srv.Joins()); n != 1 {
			t.Errorf("%d joins", n)
		}
		c.post(1, 2)
		<-time.After(5 * time.Minute)
		if r := c.outcome("message 1"); r.Outcome != sink.Delivered {
			t.Errorf("what follows: %+v", r)
		}
		if list := c.Unshown(); len(list) != 1 || !strings.Contains(list[0].Why, "not now") {
			t.Errorf("unshown: %+v", list)
		}
		c.post(2, 10)
		<-time.After(time.Hour)
		if r := c.outcome("poison"); r.Outcome != sink.Rejected {
			t.Errorf("it: %+v", r)
		}
		if n := len(srv.Joins()); n != 1 {
			t.Errorf("%d joins", n)
		}
	})
}
