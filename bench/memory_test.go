//go:build real && linux

package bench_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const (
	backlog = 1_000_000
	// The phases: nothing to do, the room is there, away, and there again.
	memoryIdle, memoryUp, memoryDown = 3 * time.Second, 8 * time.Second, 20 * time.Second
)

// memory watches the worker with a million notifications behind it.
func memory(b *bed) string {
	b.Helper()
	t := newTable(fmt.Sprintf("MB, backlog of %d", fewer(backlog)), "idle, no backlog", "room up", "room away, begin", "room away, end", "room back", "peak")
	var kept promises
	for _, from := range []struct {
		name   string
		broker broker
	}{{jetstreamed, b.nats()}, {kafkaed, b.kafka()}} {
		s := b.serve(products()[0], testbed.Options{})
		phases := append([][]float64{b.idle(s, from.broker)}, b.outage(s, from.broker)...)
		must(b, s.Kill())
		var cells []string
		for _, phase := range phases {
			cells = append(cells, fmt.Sprintf("%.0f", middle(phase)))
		}
		highest := slices.Max(slices.Concat(phases...))
		t.row(append(append([]string{from.name}, cells...), fmt.Sprintf("%.0f", highest))...)
		kept.atMost(64, "MB", from.name+", peak", highest)
		kept.atMost(1, "MB", from.name+", growth during the outage", middle(phases[3])-middle(phases[2]))
	}
	return fmt.Sprintf(`Resident memory of the worker with the room up for %s, its server killed for %s, and up again for %s. The floor is the
same worker with nothing to do.

`, memoryUp, memoryDown, memoryUp) + t.text + "\n" + kept.text
}

// idle samples a worker without a backlog.
func (b *bed) idle(s *server, from broker) []float64 {
	b.Helper()
	env, err := from.fill(b.Context(), b.name("nothing"), 0)
	must(b, err)
	w, err := startWorker(b.Context(), b.binary(), s.place, env)
	must(b, err)
	defer func() { must(b, w.stop()) }()
	<-w.joined
	return sample(w, memoryIdle)
}

// outage samples a worker while the XMPP server is there, away (in halves), and
// there again.
func (b *bed) outage(s *server, from broker) [][]float64 {
	b.Helper()
	env, err := from.fill(b.Context(), b.name("million"), fewer(backlog))
	must(b, err)
	env["XMPP_RECONNECT_MAX"] = "1s" // so that it tries often
	w, err := startWorker(b.Context(), b.binary(), s.place, env)
	must(b, err)
	defer func() { must(b, w.stop()) }()
	<-w.joined
	phases := [][]float64{sample(w, memoryUp)}
	must(b, s.Kill())
	phases = append(phases, sample(w, memoryDown/2), sample(w, memoryDown/2))
	must(b, s.Start(b.Context()))
	phases = append(phases, sample(w, memoryUp))
	if w.joins.Load() < 2 {
		b.Error("the worker did not come back into the room")
	}
	return phases
}

func sample(w *worker, d time.Duration) (all []float64) {
	for end := time.Now().Add(d); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
		all = append(all, resident(w.Process.Pid, "VmRSS"))
	}
	return all
}
