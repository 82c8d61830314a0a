//go:build real && chaos

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestScale measures several workers that share one durable consumer and one room, on
// real servers, and a hundred of them on the room of the tests. docs/operations.md has
// the figures. Times are CPU time for each notification.
func TestScale(t *testing.T) {
	bed := &bed{dir: t.TempDir()}
	broker := bed.nats(t)
	rooms := []struct {
		name    string
		room    func(*testing.T) roomServer
		workers []int
	}{
		{"Prosody", bed.xmpp(t, testbed.Prosody, 200), []int{1, 2, 4, 8}},
		{"ejabberd", bed.xmpp(t, testbed.Ejabberd, 200), []int{1, 2, 4, 8}},
		{"room of the tests", func(t *testing.T) roomServer { return inProcessRoom(t, 200) }, []int{1, 10, 100}},
	}
	bed.summary(t)
	for _, r := range rooms {
		var alone float64
		for _, workers := range r.workers {
			t.Run(fmt.Sprint(r.name, " ", workers), func(t *testing.T) {
				rate, costs := bench{room: r.room, broker: broker}.scale(t, workers)
				if alone == 0 {
					alone = rate
				}
				t.Logf("%.0f a second, %.2f of one worker; %s", rate, rate/alone, costs)
			})
		}
	}
}

// scale is how many notifications several workers carry in a second, and what that
// costs. The first fifth is the run-up.
func (b bench) scale(t *testing.T, workers int) (rate float64, costs string) {
	t.Helper()
	const n = 2000
	tr := b.trial(t, b.room(t))
	c := &crew{trial: tr}
	for range workers {
		c.hireReady()
	}
	used := func() (total, server time.Duration) {
		for _, w := range c.staff {
			total += cpu(w.Pid())
		}
		if real, ok := tr.server.(*realXMPP); ok {
			server = cpu(real.PID())
		}
		return total, server
	}
	before, serverBefore := used()
	tr.publish(n)
	tr.watch.wait(n / 5)
	begin, first := time.Now(), tr.watch.count()
	tr.watch.wait(n)
	rate = float64(n-first) / time.Since(begin).Seconds()
	after, serverAfter := used()
	return rate, fmt.Sprintf("late %d of %d, all workers %s, server %s", len(tr.watch.disorder), n, (after-before)/n, (serverAfter-serverBefore)/n)
}

// cpu is what all threads of a process have used so far.
func cpu(pid int) (total time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is right
	for _, thread := range threads {
		text, _ := os.ReadFile(thread) // it may have ended
		var used time.Duration
		if _, err := fmt.Sscan(strings.TrimSpace(string(text)), &used); err == nil {
			total += used
		}
	}
	return total
}
