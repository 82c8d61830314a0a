package sink_test

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// A server that takes its time, and refuses nothing, gets no more at once than it
// shows in two seconds: that would be in doubt when the connection breaks. It costs
// no time, and is told once, with the rate.
func TestLateReflectionsLimitWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wires := &pipes{conns: make(chan net.Conn, 10)}
		srv := startServer(t, sinktest.Config{Listen: wires.listen})
		c := openRoomBy(t, settings(t, srv), wires.dial)
		c.joined()
		srv.SlowRoom(500 * time.Millisecond)
		const n, learning = 140, 60
		var began time.Time
		done := make(chan string, n)
		go func() {
			for i := range n {
				body := fmt.Sprintf("message %d", i)
				_ = c.Submit(t.Context(), sink.Message{Identity: body, Body: body, Done: func(sink.Result) { done <- body }})
			}
		}()
		for i := range n {
			<-done
			if i == learning {
				began = time.Now()
			}
			if inFlight, _, limited := c.Pace(); i > learning && (inFlight > 5 || !limited) {
				t.Errorf("after message %d, %d may be in flight, limited %v", i, inFlight, limited)
			}
		}
		if rate := (n - learning) * 0.5 / time.Since(began).Seconds(); rate < 0.95 {
			t.Errorf("%.2f of what the room can do", rate)
		}
		checkShown(t, srv, bodies(n))
		if n := srv.Stats().Connections; n != 1 {
			t.Errorf("it took %d connections", n)
		}
		log := c.log.String()
		if n := strings.Count(log, "the room limits the rate"); n != 1 {
			t.Errorf("it is said %d times", n)
		}
		if !regexp.MustCompile(`per_second=(2|1\.9\d*)\n`).MatchString(log) {
			t.Error("the log does not tell the rate")
		}
		srv.SlowRoom(0)
		c.post(n, 400)
		if inFlight, _, limited := c.Pace(); inFlight != 16 || limited {
			t.Errorf("after the throttle is gone %d may be in flight, limited %v", inFlight, limited)
		}
		c.stop()
		srv.Close()
	})
}
