//go:build real && linux

package bench_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// allocations is what decoding and rendering a notification costs, beside
// encoding/json that reads the same text into a map.
func allocations(b *bed) string {
	b.Helper()
	var kept promises
	t := newTable("", "µs", "allocations")
	raw := envelope.Raw{Body: notification()}
	ours := run(func() {
		e, err := envelope.Decode(raw)
		must(b, err)
		render.Text(e)
	})
	floor := run(func() {
		var v map[string]any
		must(b, json.Unmarshal(raw.Body, &v))
	})
	t.row("decode and render", digits(1, float64(ours.NsPerOp())/1e3), fmt.Sprint(ours.AllocsPerOp()))
	t.row("encoding/json alone", digits(1, float64(floor.NsPerOp())/1e3), fmt.Sprint(floor.AllocsPerOp()))
	kept.atMost(3, "times", "encoding/json", float64(ours.NsPerOp())/float64(floor.NsPerOp()))
	return "A notification of 300 bytes. The floor is encoding/json alone, which reads it into a map.\n\n" + t.text + "\n" + kept.text
}

func run(work func()) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			work()
		}
	})
}
