package sink_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// posting submits texts, and waits until all are settled.
func (c *client) posting(texts []string) map[string]sink.Result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	type settled struct {
		text string
		sink.Result
	}
	done := make(chan settled, len(texts))
	for _, text := range texts {
		if err := c.Submit(ctx, sink.Message{Identity: text, Body: text, Done: func(r sink.Result) { done <- settled{text, r} }}); err != nil {
			c.t.Fatalf("submit %q: %v", text, err)
		}
	}
	results := map[string]sink.Result{}
	for range texts {
		select {
		case s := <-done:
			results[s.text] = s.Result
		case <-ctx.Done():
			c.t.Fatalf("%d of %d are settled", len(results), len(texts))
		}
	}
	return results
}

func poisonous(p sinktest.Post) bool { return strings.Contains(p.Body, "poison") }

// A message that the room swallows or bounces, whatever it says, becomes a rejection
// with the reason, and holds up nothing.
func TestPoisonStopsNothing(t *testing.T) {
	bounce := func(condition string) func(*sinktest.Server) {
		return func(srv *sinktest.Server) {
			srv.BounceMatching(poisonous, sinktest.StanzaError{Type: "cancel", Condition: condition, Text: "not this one"}, -1)
		}
	}
	for name, tc := range map[string]struct {
		fault func(*sinktest.Server)
		why   string
	}{
		"swallowed":             {func(srv *sinktest.Server) { srv.LoseMatching(poisonous) }, "swallowed by the room"},
		"service-unavailable":   {bounce("service-unavailable"), `service-unavailable ("not this one")`},
		"internal-server-error": {bounce("internal-server-error"), "internal-server-error"},
		"item-not-found":        {bounce("item-not-found"), "item-not-found"},
		"not-authorized":        {bounce("not-authorized"), "not-authorized"},
		"forbidden":             {bounce("forbidden"), "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, sinktest.Config{})
			tc.fault(srv)
			c := openRoom(t, settings(t, srv))
			c.joined()
			var texts, good []string
			for i := range 1000 { // 50 of them poison: more than three times what may be in flight
				text := fmt.Sprintf("message %d", i)
				if i%20 == 10 {
					text = fmt.Sprintf("poison %d", i)
				} else {
					good = append(good, text)
				}
				texts = append(texts, text)
			}
			for text, r := range c.posting(texts) {
				switch {
				case !strings.HasPrefix(text, "poison"):
					if r.Outcome != sink.Delivered {
						t.Errorf("%s: %+v", text, r)
					}
				case r.Outcome != sink.Rejected || !strings.Contains(r.Err.Error(), tc.why):
					t.Errorf("%s: %+v", text, r)
				}
			}
			checkShown(t, srv, good)
			if n := srv.Stats().Connections; n != 1 {
				t.Errorf("it took %d connections", n)
			}
		})
	}
}

// More poison at once than may be in flight does not hold up what follows.
func TestMuchPoisonStopsNothing(t *testing.T) {
	for name, fault := range map[string]func(*sinktest.Server){
		"swallowed": func(srv *sinktest.Server) { srv.LoseMatching(poisonous) },
		"bounced": func(srv *sinktest.Server) {
			srv.BounceMatching(poisonous, sinktest.StanzaError{Type: "cancel", Condition: "service-unavailable"}, -1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, sinktest.Config{})
			fault(srv)
			cfg := impatient(settings(t, srv))
			cfg.MaxInFlight = 4
			c := openRoom(t, cfg)
			c.joined()
			texts := []string{"poison 1", "poison 2", "poison 3", "poison 4", "poison 5", "good 1", "good 2"}
			for text, r := range c.posting(texts) {
				if want := map[bool]sink.Outcome{true: sink.Rejected, false: sink.Delivered}[strings.HasPrefix(text, "poison")]; r.Outcome != want {
					t.Errorf("%s: %+v", text, r)
				}
			}
			checkShown(t, srv, texts[5:])
		})
	}
}

// A state of the room is no reason to reject anything, however long it lasts.
func TestStateOfTheRoomRejectsNothing(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	everything := func(sinktest.Post) bool { return true }
	srv.BounceMatching(everything, sinktest.StanzaError{Type: "cancel", Condition: "service-unavailable"}, 100)
	c := openRoom(t, settings(t, srv))
	var texts []string
	for i := range 20 {
		texts = append(texts, fmt.Sprintf("message %d", i))
	}
	for text, r := range c.posting(texts) {
		if r.Outcome != sink.Delivered {
			t.Errorf("%s: %+v", text, r)
		}
	}
	if got := shown(srv); len(got) != len(texts) {
		t.Errorf("the room has shown %q", got)
	}
}

// A room that limits the rate is obeyed: in order, in one session, said once.
func TestRateLimitedRoomIsObeyed(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *sinktest.Server, c *client) {
		last := time.Time{}
		tooFast := func(sinktest.Post) bool {
			now := time.Now()
			if now.Sub(last) < 20*time.Millisecond {
				return true
			}
			last = now
			return false
		}
		srv.SlowRoom(time.Millisecond) // of several sent at once, a later one may be the one that it takes
		srv.BounceMatching(tooFast, sinktest.StanzaError{Type: "wait", Condition: "policy-violation"}, -1)
		c.post(1, 100)
		c.delivered(100)
		checkShown(t, srv, bodies(100))
		if n := srv.Stats().Connections; n != 1 {
			t.Errorf("it took %d connections", n)
		}
		if n := strings.Count(c.log.String(), "the room limits the rate"); n != 1 {
			t.Errorf("it is said %d times", n)
		}
		if n := srv.Stats().Bounced; n > 100 {
			t.Errorf("%d refusals", n)
		}
	})
}

// Few messages are in flight at first. If the room swallows just these, what follows
// need not wait until the session is given up.
func TestPoisonAtTheStartHoldsUpLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wires := &pipes{conns: make(chan net.Conn, 10)}
		srv := startServer(t, sinktest.Config{Listen: wires.listen})
		srv.LoseMatching(poisonous)
		c := openRoomBy(t, settings(t, srv), wires.dial)
		c.joined()
		began := time.Now()
		c.posting([]string{"poison 1", "poison 2", "poison 3", "good 1", "good 2"})
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		checkShown(t, srv, []string{"good 1", "good 2"})
		c.stop()
		srv.Close()
	})
}

// A rule of the server that refuses the whole account makes dead letters of nothing,
// whatever its condition says: nothing proves that the room is well.
func TestRuleAgainstTheAccountRejectsNothing(t *testing.T) {
	for _, condition := range []string{"policy-violation", "jid-malformed", "not-acceptable", "not-allowed", "bad-request"} {
		t.Run(condition, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *sinktest.Server, c *client) {
				srv.Bounce(sinktest.StanzaError{Type: "modify", Condition: condition}, -1)
				c.post(1, 20)
				<-time.After(15 * time.Minute)
				c.delivered(1) // and no more is settled
				srv.ClearFaults()
				<-time.After(15 * time.Minute)
				c.delivered(20)
				checkShown(t, srv, bodies(20))
			})
		})
	}
}
