//go:build real

package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// TestRooms has three rooms for one stream, with the settings that the manifests for
// Kubernetes have: two of teams, and one for all the rest. Each notification is shown
// in the room it belongs to, once, also while a room is banned, which the others do
// not notice. ROOMS_BAN is how long that is; 1m for the long form.
func TestRooms(t *testing.T) {
	banned := 5 * time.Second
	if d, err := time.ParseDuration(os.Getenv("ROOMS_BAN")); err == nil {
		banned = d
	}
	bed := &bed{dir: t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	server, err := testbed.Prosody(ctx, bed.options(20))
	ready, nats := bed.started(t, server, err), bed.nats(t)
	bed.summary(t)
	if !ready || nats == nil {
		t.Fatal("nothing to run on")
	}
	s := &rooms{T: t, server: server, broker: nats(t), published: map[key]time.Time{}}
	for i, name := range []string{"payments", "platform", "rest"} {
		s.open(i, name)
	}
	s.publishFor(2 * time.Second)
	s.shown(0, 1, 2)
	before := s.latencies(0, 1, 2)
	s.must(s.owners[0].Ban(t.Context(), "notifier@"+server.Domain))
	s.publishFor(banned)
	s.shown(1, 2) // while the ban lasts
	if missing := s.next[0] - s.watchers[0].count(); missing == 0 {
		t.Error("the banned room has shown everything")
	}
	during := s.latencies(1, 2)
	s.must(s.owners[0].Unban(t.Context(), "notifier@"+server.Domain))
	s.shown(0, 1, 2)
	s.exactly()
	t.Logf("median latency %s before the ban, %s in the other rooms during %s of it; %v notifications, each once in its room",
		median(before), median(during), banned, s.next)
	if m := median(during); m > 3*median(before)+banned/4 { // who waits for the ban to end waits for half of it
		t.Errorf("the other rooms are late while one is banned: %s, not %s", m, median(before))
	}
}

// rooms are three rooms, each with a worker of its own. The lane of a notification is
// the room it belongs to.
type rooms struct {
	*testing.T
	server    *testbed.XMPP
	broker    broker
	owners    []*owner.Owner
	watchers  []*watcher
	next      [lanes]int
	published map[key]time.Time
}

// open makes a room, and starts its worker.
func (s *rooms) open(lane int, name string) {
	s.Helper()
	env := settingsFile(s.T, filepath.Join("..", "deploy", "kubernetes", "rooms", name, "settings.env"))
	local, _, _ := strings.Cut(env["XMPP_ROOM"], "@")
	boss, err := owner.Login(s.Context(), s.server, "admin", local)
	s.must(err)
	s.Cleanup(boss.Close)
	s.must(boss.Create(s.Context(), owner.Room{}))
	s.owners = append(s.owners, boss)
	place := &realXMPP{s.server}
	env["XMPP_ROOM"] = local + "@" + s.server.MUC
	s.watchers = append(s.watchers, watch(s.T, place.observer(env["XMPP_ROOM"])))
	all := s.broker.env()
	maps.Copy(all, place.env(env["XMPP_ROOM"]))
	maps.Copy(all, env)
	startWorker(s.T, all)
	if lane != len(s.watchers)-1 {
		s.Fatalf("%s is room %d", name, len(s.watchers)-1)
	}
}

// settingsFile reads variables, one a line.
func settingsFile(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			env[name] = value
		}
	}
	return env
}

func (s *rooms) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// publishFor publishes one notification for each room every 20 ms.
func (s *rooms) publishFor(d time.Duration) {
	s.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		for lane := range lanes {
			s.publish(lane)
		}
	}
}

// publish publishes one notification with the label of a team; for the rest that is
// another team, or no label.
func (s *rooms) publish(lane int) {
	s.Helper()
	s.next[lane]++
	k := key{lane, s.next[lane]}
	label := [lanes]string{`"team":"payments"`, `"team":"platform"`, `"team":"storage"`}[lane]
	if lane == 2 && k.number%2 == 0 {
		label = ""
	}
	body := fmt.Appendf(nil, `{"id":"%d-%d","source":"e2e","subject":"n %d-%d","labels":{%s}}`, k.lane, k.number, k.lane, k.number, label)
	s.published[k] = time.Now()
	s.must(s.broker.publish(s.Context(), []item{{lane, body}}))
}

// shown waits until rooms have shown all that belongs to them.
func (s *rooms) shown(which ...int) {
	s.Helper()
	for _, lane := range which {
		s.watchers[lane].wait(s.next[lane])
	}
}

// exactly checks that each room has shown what belongs to it, in order, once, and
// nothing else.
func (s *rooms) exactly() {
	s.Helper()
	for lane, w := range s.watchers {
		s.must(w.occupant.Fence(s.Context()))
		w.mu.Lock()
		for k := range w.live {
			if k.lane != lane {
				s.Errorf("room %d has shown %d-%d", lane, k.lane, k.number)
			}
		}
		w.mu.Unlock()
		if w.count() != s.next[lane] || w.repeated > 0 || len(w.disorder) > 0 {
			s.Errorf("room %d has shown %d of %d, again %d, out of order %.200v", lane, w.count(), s.next[lane], w.repeated, w.disorder)
		}
	}
}

// latencies are the times from publishing to showing of what was published since the
// last call.
func (s *rooms) latencies(which ...int) (list []time.Duration) {
	for _, lane := range which {
		w := s.watchers[lane]
		w.mu.Lock()
		for k, at := range w.at {
			if published, ok := s.published[k]; ok {
				list = append(list, at.Sub(published))
			}
		}
		w.mu.Unlock()
	}
	clear(s.published)
	return list
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2].Round(100 * time.Microsecond)
}
