//go:build real && linux

package bench_test

import (
	"encoding/json"
	"fmt"
	"html"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// allocations is what decoding and rendering a notification costs, beside
// encoding/json that reads the same text into a map.
func allocations(b *bed) string {
	b.Helper()
	raw := envelope.Raw{Body: notification()}
	ours := testing.Benchmark(func(t *testing.B) {
		for t.ReportAllocs(); t.Loop(); {
			shown(t, raw)
		}
	})
	floor := testing.Benchmark(func(t *testing.B) {
		for t.ReportAllocs(); t.Loop(); {
			var v map[string]any
			must(t, json.Unmarshal(raw.Body, &v))
		}
	})
	t := newTable("", "µs", "allocations")
	t.row("decode and render", digits(1, float64(ours.NsPerOp())/1e3), fmt.Sprint(ours.AllocsPerOp()))
	t.row("encoding/json alone", digits(1, float64(floor.NsPerOp())/1e3), fmt.Sprint(floor.AllocsPerOp()))
	var kept promises
	times := float64(ours.NsPerOp()) / float64(floor.NsPerOp())
	kept.add(times <= 3, "encoding/json: %.1f times, promised at most 3", times)
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
	b.Helper()
	return html.EscapeString(shown(b, envelope.Raw{Body: notification()}))
}
