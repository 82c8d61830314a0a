//go:build real && linux

package bench_test

import (
	"os"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// starts is how often the worker is started on each server.
const starts = 15

// start times the way from the start of the process to its seat in the room,
// and weighs the binary.
func start(b *bed) string {
	b.Helper()
	info, err := os.Stat(b.binary())
	must(b, err)
	var kept promises
	size := float64(info.Size()) / 1e6
	kept.atMost(15, "MB", "the binary, static and stripped", size)
	t := newTable("from the start of the process to its seat in the room", "ms")
	for _, p := range products() {
		s := b.serve(p, testbed.Options{})
		took := b.startUps(s)
		must(b, s.Kill())
		t.row(p.name, took.whole())
		kept.atMost(200, "ms", "start to joined on "+p.name, took.median)
	}
	return t.text + "\n" + kept.text
}

func (b *bed) startUps(s *server) stat {
	b.Helper()
	env, err := b.nats().fill(b.Context(), b.name("start"), 0)
	must(b, err)
	var took []float64
	for range fewer(starts) {
		begin := time.Now()
		w, err := startWorker(b.Context(), b.binary(), s.place, env)
		must(b, err)
		select {
		case <-w.joined:
		case <-time.After(patience):
			b.Fatal("the worker does not join")
		}
		took = append(took, 1000*time.Since(begin).Seconds())
		must(b, w.stop())
	}
	return statOf(took)
}
