package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
)

// crew is the workers of one trial: one consumer group or durable, one room.
type crew struct {
	*trial
	hired int
	staff []*process
}

// hire starts one more worker, with a nickname of its own.
func (c *crew) hire() {
	c.Helper()
	c.hired++
	env := maps.Clone(c.env)
	env["XMPP_NICK"] = fmt.Sprintf("worker-%d", c.hired)
	c.staff = append(c.staff, startWorker(c.T, env))
}

// kill ends a worker without warning, terminate in order.
func (c *crew) kill(i int)      { c.Helper(); c.staff[i].kill(); c.fire(i) }
func (c *crew) terminate(i int) { c.Helper(); c.staff[i].terminate(); c.fire(i) }

func (c *crew) fire(i int) { c.staff = append(c.staff[:i:i], c.staff[i+1:]...) }

// severalWorkers has three workers on one consumer group or durable. One is
// killed, one is terminated and two are added under load, and the room shows
// everything. What the dead one had shown is known to those who saw it; a
// newcomer that is given it instead knows only the room's history, which at
// this pace is a few milliseconds long, or its archive.
func (b bench) severalWorkers(t *testing.T) {
	tr := b.trial(t, b.room(t))
	stop := tr.watch.checkAcks(tr.broker, none)
	c := &crew{trial: tr}
	for range 3 {
		c.hire()
	}
	posted := b.shareLoad(c)
	load := tr.load(b.few)
	tr.watch.wait(posted + b.few/5)
	c.kill(0)
	tr.watch.wait(posted + 2*b.few/5)
	c.hire()
	tr.watch.wait(posted + 3*b.few/5)
	c.terminate(0)
	tr.watch.wait(posted + 4*b.few/5)
	c.hire()
	load.Wait()
	tr.watch.wait(posted + b.few)
	tr.acknowledged()
	stop()
	repeats := uncertain
	if b.archive {
		repeats = 0
	}
	tr.allShown(posted+b.few, repeats)
	t.Logf("first posted by: %v; late: %d; twice: %v", tr.watch.shares(), len(tr.watch.disorder), tr.watch.twice)
}

// shareLoad publishes until each of the workers has had a part, and returns how
// many that took. With two sources that part may be the other's, while the
// consumer group still gathers. That is waited for: the fake Kafka never
// expires a member whose connection breaks before it was told its partitions.
func (b bench) shareLoad(c *crew) (posted int) {
	c.Helper()
	for len(c.watch.shares()) < len(c.staff) {
		if posted += 60; posted > 100*60 {
			c.Fatalf("of %d workers only these work: %v", len(c.staff), c.watch.shares())
		}
		c.publish(60)
		c.watch.wait(posted)
	}
	until(c.T, "all workers have their part", func(ctx context.Context) (bool, error) {
		return c.broker.gathered(ctx, len(c.staff))
	})
	return posted
}

// load publishes n notifications in the background, in small portions: as fast
// as the room shows them, and a little ahead.
func (tr *trial) load(n int) *sync.WaitGroup {
	var publishing sync.WaitGroup
	before := tr.watch.count()
	publishing.Go(func() {
		for done := 0; done < n; {
			portion := min(60, n-done)
			tr.publish(portion)
			done += portion
			tr.watch.wait(before + done - min(done, 180))
		}
	})
	return &publishing
}
