//go:build real

package sink_test

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// restart ends and starts a server, or its rooms, under a stream of messages.
// Nothing may be lost. What was in flight may be shown twice where the room
// has forgotten it, and so may what it reflected last; never more than a window
// of either, and not without being counted.
// A dying server may reflect a message to the client and not to the observer;
// then the room has shown it for all that the client can know.
func (sc *scene) restart(end func() error, start func() error) {
	sc.Helper()
	const n = 300
	sc.create(owner.Room{})
	w := sc.watch()
	cfg := sc.settings()
	c := openRoom(sc.T, cfg)
	c.post(0, 100)
	sc.must(end())
	sc.proxy.Refuse(true) // until the observer is back
	sc.proxy.Reset()
	reflected := c.reflected()
	sc.must(start())
	if sc.forgetsRooms {
		sc.owner = sc.login("admin")
		_, err := sc.owner.Enter(sc.Context(), "admin", "")
		sc.must(err)
	}
	before := len(w.seen())
	w.occupant.Close()
	w.sit()
	sc.proxy.Refuse(false)
	c.post(100, n)
	c.delivered(n)
	counts := map[string]int{}
	sc.until("all is shown", func() error { return w.missing(n, reflected) })
	repeated, doubtful := 0, doubts(c.log.String())
	for _, m := range w.shown() {
		if counts[m.Body]++; counts[m.Body] > 1 {
			repeated++
		}
	}
	sc.Logf("shown before the end: %d; repeated: %d, counted by the client: %d", before, repeated, doubtful)
	if repeated > doubtful || repeated > 3*cfg.MaxInFlight {
		sc.Errorf("repeated %d, %d in flight at most, counted by the client %d", repeated, cfg.MaxInFlight, doubtful)
	}
}

// doubts adds up how many messages the client says may be shown twice.
func doubts(log string) int {
	sum := 0
	for _, found := range regexp.MustCompile(`possible_duplicates=(\d+)`).FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(found[1])
		sum += n
	}
	return sum
}

// reflected returns what the room has reflected to the client up to now.
func (c *client) reflected() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	bodies := map[string]bool{}
	for body, r := range c.results {
		bodies[body] = r.Outcome == sink.Delivered
	}
	return bodies
}

// missing is an error if one of the messages 0 to n-1 has not been shown,
// neither to the observer nor, before the server's end, to the client.
func (w *watcher) missing(n int, reflected map[string]bool) error {
	shown := map[string]bool{}
	for _, m := range w.shown() {
		shown[m.Body] = true
	}
	var missing []string
	for _, body := range bodies(n) {
		if !shown[body] && !reflected[body] {
			missing = append(missing, body)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("lost %.30q", missing)
	}
	return nil
}

func roomsRestarted(sc *scene) {
	rooms := sc.server.Rooms
	sc.restart(func() error { return rooms.Stop(sc.Context()) }, func() error { return rooms.Start(sc.Context()) })
}

func serverStopped(sc *scene) {
	sc.restart(func() error { return sc.server.Stop(sc.Context()) }, func() error { return sc.server.Start(sc.Context()) })
}

func serverKilled(sc *scene) {
	sc.restart(sc.server.Kill, func() error { return sc.server.Start(sc.Context()) })
}
