//go:build real && linux

package bench_test

import (
	"fmt"
	"os"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// start times the way from the start of the process into the room, beside a
// bare client that connects, logs in and joins; and weighs the binary.
func start(b *bed) string {
	b.Helper()
	info, err := os.Stat(b.binary())
	must(b, err)
	var kept promises
	kept.atMost(30, "MB", "the binary, static and stripped", float64(info.Size())/1e6)
	t := newTable("ms until in the room", "bare client, connecting alone", "worker, from the start of its process")
	for _, p := range products() {
		s := b.serve(p, testbed.Options{})
		var floor, took []float64
		env, err := b.nats().fill(b.Context(), b.name("start"), 0)
		must(b, err)
		for range fewer(15) {
			begin := time.Now()
			c, err := dial(b.Context(), s.place, "observer", "observer")
			must(b, err)
			floor = append(floor, 1000*time.Since(begin).Seconds())
			must(b, c.conn.Close())
			took = append(took, b.startUp(s, env))
		}
		must(b, s.Kill())
		t.row(p.name, fmt.Sprintf("%.0f", middle(floor)), fmt.Sprintf("%.0f", middle(took)))
		kept.atMost(200, "ms", "start to joined on "+p.name, middle(took))
	}
	return t.text + "\n" + kept.text
}

func (b *bed) startUp(s *server, env map[string]string) float64 {
	b.Helper()
	begin := time.Now()
	w, err := startWorker(b.Context(), b.binary(), s.place, env)
	must(b, err)
	select {
	case <-w.joined:
	case <-time.After(patience):
		b.Fatal("the worker does not join")
	}
	took := 1000 * time.Since(begin).Seconds()
	must(b, w.stop())
	return took
}
