//go:build real && linux

package bench_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const (
	backlog = 1_000_000
	// The phases: the room is there, away, and there again.
	memoryUp, memoryDown = 10 * time.Second, 40 * time.Second
	memoryTick           = 100 * time.Millisecond
)

// memory watches the worker with a million notifications behind it.
func memory(b *bed) string {
	b.Helper()
	s := b.serve(products()[0], testbed.Options{})
	t := newTable("worker, backlog of 1,000,000", "MB, room up", "MB, first 10 s of outage", "MB, last 10 s of outage", "MB, room up again", "peak MB")
	var kept promises
	for _, from := range []struct {
		name   string
		broker broker
		faster map[string]string
	}{
		{"from JetStream", b.nats(), map[string]string{"NATS_ACK_WAIT": "1s"}},
		{"from Kafka", b.brisk(), map[string]string{"KAFKA_SESSION_TIMEOUT": "1s"}},
	} {
		env, err := from.broker.fill(b.Context(), b.name("million"), fewer(backlog))
		must(b, err)
		maps.Copy(env, from.faster)
		env["XMPP_RECONNECT_MAX"] = "1s"
		r := b.outage(s, env)
		t.row(from.name, r.up, r.first, r.last, r.again, fmt.Sprintf("%.1f", r.peak))
		kept.atMost(40, "MB", from.name+", peak", r.peak)
		kept.add(r.growth < 1, fmt.Sprintf("%s: %+.1f MB between the begin and the end of the outage, promised flat", from.name, r.growth))
	}
	return fmt.Sprintf(`Resident memory (VmRSS) of the worker with the room up for %s, its server killed for %s, and up again for %s.
The outage stands for one of more than ten minutes: whatever could grow does so with the attempts to connect to the room,
the renewals of leases and the heartbeats, and these come 15 to 30 times as often as by default (XMPP_RECONNECT_MAX=1s,
NATS_ACK_WAIT=1s, KAFKA_SESSION_TIMEOUT=1s).

`, memoryUp, memoryDown, memoryUp) + t.text + "\n" + kept.text
}

// outageFigures are medians and highest values of the phases.
type outageFigures struct {
	up, first, last, again string
	growth, peak           float64
}

// outage runs the worker while the XMPP server is there, away, and there again.
func (b *bed) outage(s *server, env map[string]string) outageFigures {
	b.Helper()
	w, err := startWorker(b.Context(), b.binary(), s.place, env)
	must(b, err)
	defer func() { must(b, w.stop()) }()
	up := b.sample(w, memoryUp)
	must(b, s.Kill())
	down := b.sample(w, memoryDown)
	must(b, s.Start(b.Context()))
	again := b.sample(w, memoryUp)
	if w.joins.Load() < 2 {
		b.Error("the worker did not come back into the room")
	}
	quarter := len(down) / 4
	first, last := statOf(down[:quarter]), statOf(down[len(down)-quarter:])
	return outageFigures{
		up: statOf(up).whole(), first: first.whole(), last: last.whole(), again: statOf(again).whole(),
		growth: last.median - first.median, peak: max(slices.Max(up), slices.Max(down), slices.Max(again)),
	}
}

func (b *bed) sample(w *worker, d time.Duration) []float64 {
	b.Helper()
	var all []float64
	for end := time.Now().Add(d); time.Now().Before(end); {
		all = append(all, resident(w.Process.Pid, "VmRSS"))
		<-time.After(memoryTick)
	}
	return all
}
