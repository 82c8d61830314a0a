//go:build real

package e2e_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestDigests has more notifications at once than a stock Prosody takes in minutes,
// 10 kB/s, one by one.
func TestDigests(t *testing.T) {
	bed := &bed{dir: t.TempDir()}
	room := bed.xmpp(t, func(ctx context.Context, o testbed.Options) (*testbed.XMPP, error) {
		o.Throttle = true
		return testbed.Prosody(ctx, o)
	}, 20)
	brokers := map[string]func(*testing.T) broker{"JetStream": bed.nats(t), "Kafka": bed.kafka(t)}
	for name, broker := range brokers {
		if room == nil || broker == nil {
			continue
		}
		b := bench{room: room, broker: broker, few: 150, many: 5000}
		t.Run(name, b.showsStormsTogether)
	}
	bed.summary(t)
}

// showsStormsTogether measures few one by one, and then many at once, with a critical
// one in the middle.
func (b bench) showsStormsTogether(t *testing.T) {
	alone := b.paceAlone(t)
	tr := b.trial(t, b.room(t))
	maps.Copy(tr.env, digests("10s"))
	stop := tr.watch.checkAcks(tr.broker, none)
	worker := startWorker(t, tr.env)
	tr.publish(3)
	tr.watch.wait(3)

	items := make([]item, b.many-3)
	var urgent key
	for i := range items {
		k := key{i % lanes, tr.number(i % lanes)}
		items[i] = item{k.lane, notification(k)}
		if i == len(items)/2 {
			items[i].body, urgent = severe(k, "critical"), k
			tr.watch.mayOvertake(k)
		}
	}
	begin := time.Now()
	tr.send(items)
	published := time.Since(begin)
	tr.watch.wait(b.many)
	tr.acknowledged()
	took := time.Since(begin)
	late := tr.criticalAmongMany(b.many)
	stop()
	tr.exactly(tr.watch.count())
	worker.terminate()
	pace := float64(b.many-3) / took.Seconds()
	t.Logf("alone: %.1f per second; a storm of %d, published in %s: %.1f per second, %.1f times as many, %d digests; the critical one after %s, behind %d; and %s amid a flow of 100 per second",
		alone, b.many, published, pace, pace/alone, len(tr.watch.digests), tr.watch.at[urgent].Sub(begin), tr.watch.before(urgent), late)
	if pace < 10*alone {
		t.Errorf("a storm is shown %.1f times as fast as one by one, want 10", pace/alone)
	}
	if len(tr.watch.digests) == 0 || tr.watch.together[urgent] || tr.watch.at[urgent].Sub(begin) > urgentWithin {
		t.Error("there were no digests, or the critical one was in one of them or late")
	}
}

// urgentWithin is how long a critical one may take on a busy machine; else it takes less than
// a second.
const urgentWithin = 5 * time.Second

// criticalAmongMany publishes 100 a second for some seconds, and in the middle a critical
// one. It returns how late that was.
func (tr *trial) criticalAmongMany(shown int) time.Duration {
	tr.Helper()
	var urgent key
	var begin time.Time
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := range 60 {
		<-tick.C
		if i == 30 {
			urgent = key{0, tr.number(0)}
			tr.watch.mayOvertake(urgent)
			begin = time.Now()
			tr.send([]item{{0, severe(urgent, "critical")}})
		}
		tr.publish(10)
	}
	tr.watch.wait(shown + 601)
	tr.acknowledged()
	late := tr.watch.at[urgent].Sub(begin)
	if tr.watch.together[urgent] || late > urgentWithin {
		tr.Errorf("a critical one came after %s, in a digest: %v", late, tr.watch.together[urgent])
	}
	return late
}

// paceAlone returns how many notifications a second are shown one by one, when the
// server's allowance for a burst is used up.
func (b bench) paceAlone(t *testing.T) float64 {
	tr := b.trial(t, b.room(t))
	worker := startWorker(t, tr.env)
	tr.publish(b.few)
	tr.watch.wait(b.few / 2)
	begin, first := time.Now(), tr.watch.count()
	tr.watch.wait(b.few)
	defer worker.terminate()
	return float64(b.few-first) / time.Since(begin).Seconds()
}
