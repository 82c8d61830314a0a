package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// roomServer is an XMPP server that a test may stop and start.
type roomServer interface {
	env(room string) map[string]string
	observer(room string) observer.Options
	room(t *testing.T) string
	stop(ctx context.Context, kill bool) error
	start(ctx context.Context) error
}

// uncertain is three times XMPP_MAX_IN_FLIGHT, as the workers have it here.
const uncertain = 48

// bench is a room and a broker to test the worker between.
type bench struct {
	// room is on a server with the history of stock servers, 20 messages.
	// stoppable is on one that the test may stop; its history is long enough
	// for the observer, who may be back later than the worker.
	room, stoppable func(t *testing.T) roomServer
	broker          func(t *testing.T) broker
	// archive says that the room has one, so that nothing is shown twice.
	archive bool
	// many is how many notifications go through, and few how many go through
	// where something fails on the way.
	many, few int
}

// trial is one test on a bench: the parts are up, the worker is not.
type trial struct {
	*testing.T
	server roomServer
	broker broker
	watch  *watcher
	env    map[string]string
	next   [lanes]int
}

func (b bench) trial(t *testing.T, server roomServer) *trial {
	t.Helper()
	tr := &trial{T: t, server: server, broker: b.broker(t)}
	room := tr.server.room(t)
	tr.watch = watch(t, tr.server.observer(room))
	tr.env = tr.server.env(room)
	maps.Copy(tr.env, tr.broker.env())
	return tr
}

// publish publishes n good notifications, spread over the lanes, numbered
// from 1 in each.
func (tr *trial) publish(n int) {
	tr.Helper()
	items := make([]item, n)
	for i := range items {
		lane := i % lanes
		items[i] = item{lane, notification(key{lane, tr.number(lane)})}
	}
	tr.send(items)
}

func (tr *trial) number(lane int) int {
	tr.next[lane]++
	tr.watch.expect(key{lane, tr.next[lane]})
	return tr.next[lane]
}

// published is how many notifications the room is to show.
func (tr *trial) published() (n int) {
	for _, last := range tr.next {
		n += last
	}
	return n
}

func (tr *trial) send(items []item) {
	tr.Helper()
	if err := tr.broker.publish(tr.Context(), items); err != nil {
		tr.Fatal(err)
	}
}

func (tr *trial) must(err error) {
	tr.Helper()
	if err != nil {
		tr.Fatal(err)
	}
}

func notification(k key) []byte {
	return fmt.Appendf(nil, `{"id":"%d-%d","source":"e2e","severity":"warning","subject":"n %d-%d","message":"%s"}`,
		k.lane, k.number, k.lane, k.number, strings.Repeat("lorem ipsum ", 15))
}

func none(key) bool { return false }

// acknowledged waits until the broker counts everything as delivered.
func (tr *trial) acknowledged() {
	tr.Helper()
	until(tr.T, "everything is acknowledged", func(ctx context.Context) (bool, error) {
		acked, err := tr.broker.acked(ctx)
		if err == nil {
			err = fmt.Errorf("acknowledged %v of %v", acked, tr.next)
		}
		return acked == tr.next, err
	})
}

// exactly checks that the room has shown want notifications, once and in order.
func (tr *trial) exactly(want int) {
	tr.Helper()
	tr.allShown(want, 0)
	tr.inOrder()
}

// allShown checks that the room has shown want notifications, in any order, and
// how many of them again.
func (tr *trial) allShown(want, repeats int) {
	tr.Helper()
	tr.atLeast(want, repeats)
	if got := tr.watch.count(); got > want {
		tr.Errorf("the room has shown %d notifications, want %d", got, want)
	}
}

// atLeast checks that the room has shown as many, and how many of them again.
func (tr *trial) atLeast(want, repeats int) {
	tr.Helper()
	if err := tr.watch.occupant.Fence(tr.Context()); err != nil {
		tr.Error(err)
	}
	if got := tr.watch.count(); got < want {
		tr.Errorf("the room has shown %d notifications, want %d", got, want)
	}
	if tr.watch.repeated > repeats {
		tr.Errorf("%d were shown again, at most %d may", tr.watch.repeated, repeats)
	}
}

func (tr *trial) inOrder() {
	tr.Helper()
	if len(tr.watch.disorder) > 0 {
		tr.Errorf("out of order: %d, %.200v", len(tr.watch.disorder), tr.watch.disorder)
	}
}

func (b bench) run(t *testing.T) {
	t.Run("all arrive once, in order, and are acknowledged when shown", b.allArrive)
	t.Run("malformed messages become dead letters", b.malformed)
	t.Run("XMPP server terminated and started", func(t *testing.T) { b.serverRestart(t, false) })
	t.Run("XMPP server killed and started", func(t *testing.T) { b.serverRestart(t, true) })
	t.Run("worker terminated and started", func(t *testing.T) {
		tr := b.workerRestart(t, (*process).terminate)
		tr.exactly(tr.published())
	})
	t.Run("worker killed and started", b.workerKilled)
	t.Run("three workers share the load, and come and go", b.severalWorkers)
	t.Run("three workers are replaced under load", b.rollingUpdate)
}

func (b bench) allArrive(t *testing.T) {
	tr := b.trial(t, b.room(t))
	stop := tr.watch.checkAcks(tr.broker, none)
	worker := startWorker(t, tr.env)
	for range 5 {
		tr.publish(b.many / 5)
	}
	tr.watch.wait(b.many)
	tr.acknowledged()
	stop()
	tr.exactly(b.many)
	worker.terminate()
}

func (b bench) malformed(t *testing.T) {
	const good, bad = 1000, 100
	tr := b.trial(t, b.room(t))
	broken := map[key]bool{}
	var items []item
	for i := range good + bad {
		k := key{i % lanes, tr.number(i % lanes)}
		body := notification(k)
		if i%(good/bad+1) == 0 {
			broken[k] = true
			body = body[:len(body)-1]
		}
		items = append(items, item{k.lane, body})
	}
	stop := tr.watch.checkAcks(tr.broker, func(k key) bool { return broken[k] })
	startWorker(t, tr.env)
	tr.send(items)
	tr.watch.wait(good)
	tr.acknowledged()
	stop()
	tr.exactly(good)
	reasons, err := tr.broker.deadLetters(t.Context(), bad)
	if err != nil || len(reasons) != bad {
		t.Fatalf("%d dead letters, %v", len(reasons), err)
	}
	for _, reason := range reasons {
		if !strings.HasPrefix(reason, "decode: not JSON at byte") {
			t.Errorf("the reason of a dead letter is %q", reason)
		}
	}
}

// serverRestart ends the XMPP server in mid-run. A server that forgets the
// room's history when it stops cannot tell what was in flight: as much as
// that may be shown again. Where the connection breaks off without a word
// (ejabberd does that even when it is terminated, if it has not read all that
// it was sent), the server may have taken with it the copies for others of what
// it has reflected: what was reflected last is sent again, too. Of one that was
// killed, copies of what came before that may be missing, in this test's log
// and not beyond uncertain.
func (b bench) serverRestart(t *testing.T, kill bool) {
	missing := 0
	if kill {
		missing = uncertain
	}
	tr := b.trial(t, b.stoppable(t))
	startWorker(t, tr.env)
	b.midway(tr, func() { tr.must(tr.server.stop(t.Context(), kill)) }, func() {
		tr.must(tr.server.start(t.Context()))
		tr.watch.sit()
	})
	tr.watch.wait(tr.published() - missing)
	tr.acknowledged()
	tr.atLeast(tr.published()-missing, uncertain)
	tr.inOrder()
	t.Logf("shown again: %d; died with the server: %d", tr.watch.repeated, tr.published()-tr.watch.count())
}

// midway publishes, calls stop when a quarter of that is shown, and then start. If all
// was shown before the stop, because this process had to wait for the machine, it does
// so once more.
func (b bench) midway(tr *trial, stop, start func()) {
	tr.Helper()
	for amid := false; !amid; {
		tr.publish(b.few)
		tr.watch.wait(tr.published() - b.few*3/4)
		stop()
		amid = tr.watch.count() < tr.published()
		start()
	}
}

// workerKilled: JetStream notices a dead worker only after AckWait. What that
// worker held comes after what its successor takes meanwhile.
func (b bench) workerKilled(t *testing.T) {
	tr := b.workerRestart(t, (*process).kill)
	if _, late := tr.broker.(*natsBroker); late {
		tr.allShown(tr.published(), 0)
		t.Logf("shown late: %d", len(tr.watch.disorder))
		return
	}
	tr.exactly(tr.published())
}

func (b bench) workerRestart(t *testing.T, end func(*process)) *trial {
	t.Helper()
	tr := b.trial(t, b.room(t))
	stop := tr.watch.checkAcks(tr.broker, none)
	worker := startWorker(t, tr.env)
	b.midway(tr, func() { end(worker) }, func() { worker = startWorker(t, tr.env) })
	tr.watch.wait(tr.published())
	tr.acknowledged()
	stop()
	return tr
}
