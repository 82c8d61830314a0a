//go:build real && linux

package bench_test

import (
	"encoding/json"
	"fmt"
	"html"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const (
	backlog = 1_000_000
	// away is how long the room is away.
	away = 20 * time.Second
)

// memory watches the worker with a million notifications behind it.
func memory(b *bed) string {
	t := newTable(fmt.Sprintf("MB, backlog of %d", fewer(backlog)), "nothing to do", "room away, begin", "room away, end", "peak")
	var kept promises
	for _, w := range b.ways {
		s := b.serve(products()[0], testbed.Options{})
		env := b.fill(w, 0)
		running := b.startWorker(s, env, map[string]string{"XMPP_RECONNECT_MAX": "1s"}) // so that it tries often
		idle := resting(running)
		must(b, w.add(b.Context(), env, fewer(backlog)))
		must(b, s.Kill())
		begin, end := resting(running), resting(running)
		must(b, s.Start(b.Context()))
		resting(running)
		highest := resident(running.Pid(), "VmHWM")
		b.stop(running)
		must(b, s.Kill())
		t.row("worker from "+w.name, digits(0, idle), digits(0, begin), digits(0, end), digits(0, highest))
		kept.most(64, highest, "%s, peak in MB", w.name)
		kept.most(1, end-begin, "%s, growth during the outage in MB", w.name)
	}
	return fmt.Sprintf("Resident memory of the worker before the backlog came, with the server killed for %s, and at most. The floor is a\n"+
		"worker with nothing to do.\n\n", away) + t.text + "\n" + kept.text
}

// resting is the median of what a worker takes for half the outage.
func resting(w *testbed.Worker) float64 {
	var all []float64
	for end := time.Now().Add(away / 2); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
		all = append(all, resident(w.Pid(), "VmRSS"))
	}
	return middle(all)
}

// allocations is what decoding and rendering a notification costs, beside
// encoding/json that reads the same text into a map.
func allocations(*bed) string {
	raw := envelope.Raw{Body: notification()}
	measure := func(do func(testing.TB)) testing.BenchmarkResult {
		return testing.Benchmark(func(t *testing.B) {
			for t.ReportAllocs(); t.Loop(); {
				do(t)
			}
		})
	}
	ours := measure(func(t testing.TB) { shown(t, raw) })
	floor := measure(func(t testing.TB) {
		var v map[string]any
		must(t, json.Unmarshal(raw.Body, &v))
	})
	t := newTable("", "µs", "allocations")
	t.row("decode and render", digits(1, float64(ours.NsPerOp())/1e3), fmt.Sprint(ours.AllocsPerOp()))
	t.row("encoding/json alone", digits(1, float64(floor.NsPerOp())/1e3), fmt.Sprint(floor.AllocsPerOp()))
	var kept promises
	kept.most(3, float64(ours.NsPerOp())/float64(floor.NsPerOp()), "decode and render ÷ encoding/json")
	return "A notification of 300 bytes. The floor is encoding/json alone, which reads it into a map.\n\n" + t.text + "\n" + kept.text
}

func shown(t testing.TB, raw envelope.Raw) string {
	e, err := envelope.Decode(raw)
	must(t, err)
	return render.Text(e)
}

// rendered is what the worker makes of a notification, so that all contestants send
// the same text.
func rendered(b *bed) string {
	return html.EscapeString(shown(b, envelope.Raw{Body: notification()}))
}
