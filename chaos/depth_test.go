//go:build real

package chaos_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// depths tells, for servers that were killed, how many of the notifications
// that the worker had seen reflected had not reached the other occupant.
type depths struct {
	runs    int
	unshown []int // how many, for each run with any
	deepest int   // how far behind the last reflected one, 1 is itself
	lost    int   // in the end
}

// depth kills a server again and again, with the worker connected directly.
// The history is long, so that the observer misses nothing.
func (f *serverSet) depth(t *testing.T) {
	x := f.bed.start(t, f.kind, testbed.Options{HistorySize: 2000})
	f.depths = &depths{runs: number(t, "CHAOS_KILLS", 20)}
	for i := range f.depths.runs {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) { f.killOnce(t, x, f.depths) })
	}
}

func (f *serverSet) killOnce(t *testing.T, x *testbed.XMPP, d *depths) {
	t.Helper()
	tr := &trial{T: t, bed: f.bed, server: x, total: usual, name: fmt.Sprintf("depth-%x", f.random.Uint64())}
	admin := tr.login("admin")
	must(t, admin.Create(t.Context(), owner.Room{}))
	tr.watch = watch(t, x, tr.room())
	tr.prepare(x.Addr, fault{})
	tr.startWorker()
	tr.watch.wait(usual/5 + f.random.IntN(usual/4))
	must(t, x.Kill())
	<-tr.watch.occupant.Done()
	reflected := tr.ackedAtRest()
	unshown := tr.watch.missing(reflected)
	if len(unshown) > 0 {
		d.unshown = append(d.unshown, len(unshown))
		d.deepest = max(d.deepest, reflected-unshown[0]+1)
	}
	must(t, x.Start(t.Context()))
	tr.watch.join()
	o := tr.end(time.Now(), time.Now())
	t.Logf("reflected %d, unshown %v; in the end lost %d", reflected, unshown, o.lost)
	d.lost += o.lost
	if o.lost > 0 {
		t.Errorf("%d lost", o.lost)
	}
}

// ackedAtRest returns how many notifications are acknowledged, once that stands
// still. The worker acknowledges what it has seen reflected, in order.
func (tr *trial) ackedAtRest() int {
	tr.Helper()
	last, since := -1, time.Now()
	until(tr.T, "the acknowledgements stand still", func(ctx context.Context) (bool, error) {
		acked, err := tr.bed.nats.acked(ctx, tr.name)
		if acked != last || err != nil {
			last, since = acked, time.Now()
		}
		return time.Since(since) > 150*time.Millisecond, err
	})
	return last
}
