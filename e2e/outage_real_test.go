//go:build real && unix

package e2e_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

var outageLine = regexp.MustCompile(`^⏳ Back after \d+ s \(\d\d:\d\d(–\d\d:\d\d)? UTC, the server was shut down\): \d+ notifications follow, the oldest of \d\d:\d\d:\d\d$`)

// TestOutages stops the server of two workers, who return one after the other: the first
// says what was, before anything else, and the second does not repeat it.
func TestOutages(t *testing.T) {
	bed := &bed{dir: t.TempDir()}
	room, broker := bed.xmpp(t, testbed.Prosody, 500), bed.nats(t)
	bed.summary(t)
	if room == nil || broker == nil {
		return
	}
	tr := bench{room: room, broker: broker}.trial(t, room(t))
	tr.env["OUTAGE_NOTICE"], tr.env["XMPP_RECONNECT_MAX"] = "1s", "1s"
	first, second := startWorker(t, tr.env), startWorker(t, tr.env)
	tr.publish(3)
	tr.must(first.Joined(t.Context()))
	tr.must(second.Joined(t.Context()))
	tr.acknowledged()
	tr.must(tr.server.stop(t.Context(), false))
	away := time.Now()
	for _, worker := range []*process{first, second} {
		until(t, "the worker notices the outage", func(context.Context) (bool, error) {
			return strings.Contains(worker.Text(), "disconnected, reconnecting"), nil
		})
	}
	tr.must(second.Signal(syscall.SIGSTOP))
	tr.publish(200) // more than the second may have asked for
	<-time.After(time.Until(away.Add(1100 * time.Millisecond)))
	tr.must(tr.server.start(t.Context()))
	tr.watch.sit()
	seen := follow(tr)
	until(t, "the first worker is back", func(context.Context) (bool, error) { return len(seen()) > 3, nil })
	tr.must(second.Signal(syscall.SIGCONT))
	tr.watch.wait(203)
	tr.acknowledged()
	tr.must(tr.watch.occupant.Fence(t.Context()))
	until(t, "the second worker is back", func(context.Context) (bool, error) {
		return strings.Count(second.Text(), "in the room") > 1, nil
	})
	var told []int
	lines := seen()
	for i, line := range lines {
		if outageLine.MatchString(line) {
			told = append(told, i)
		}
	}
	if len(told) != 1 || told[0] > 3 { // what was shown just before may be sent again
		t.Errorf("the outage is told of in %v of %d messages, which begin with %.400q", told, len(lines), lines)
	}
}

// follow returns what the room shows of what happened since its server was started.
func follow(tr *trial) (seen func() []string) {
	tr.Helper()
	var mu sync.Mutex
	var bodies []string
	options := tr.watch.options
	options.Nick = "another observer"
	options.OnMessage = func(m observer.Message) {
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, m.Body)
	}
	occupant, err := observer.Join(tr.Context(), options)
	tr.must(err)
	tr.Cleanup(occupant.Close)
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(bodies)
	}
}
