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
	parts := newTable("decode and render", "bytes", "CPU µs", "of encoding/json", "allocations", "of encoding/json")
	for _, c := range []struct {
		name string
		raw  envelope.Raw
	}{{"native", envelope.Raw{Body: notification("backlog12-1234")}}, {"structured CloudEvent", structured()}} {
		ours, mallocs := timeWork(b, func() {
			e, err := envelope.Decode(c.raw)
			must(b, err)
			if render.Text(e) == "" {
				b.Fatal("no text")
			}
		})
		floor, least := timeWork(b, func() {
			var v map[string]any
			must(b, json.Unmarshal(c.raw.Body, &v))
		})
		parts.row(c.name, fmt.Sprint(len(c.raw.Body)), fmt.Sprintf("%.1f", ours), fmt.Sprintf("%.1f", floor), fmt.Sprintf("%.0f", mallocs), fmt.Sprintf("%.0f", least))
		kept.atMost(3, "times", c.name+", CPU of encoding/json", ours/floor)
		if c.name == "native" {
			kept.atMost(10, "µs", "native, decode and render", ours)
		}
	}
	return "The floor is encoding/json alone, which reads the same text into a map.\n\n" + parts.text + "\n" + kept.text
}

func structured() envelope.Raw {
	return envelope.Raw{
		Header: []envelope.Header{{Key: "Content-Type", Value: "application/cloudevents+json"}},
		Body: []byte(`{"specversion":"1.0","id":"7f9c2ba4-e88f-11ee-a951-0242ac120002","source":"/disk-watch","type":"org.example.disk.full",` +
			`"time":"2026-03-29T13:05:00Z","severitynumber":18,"severitytext":"critical","datacontenttype":"application/json",` +
			`"data":{"subject":"Disk full on db-1","message":"/var/lib/postgresql is at 100 %","hostName":"db-1.example.org"}}`),
	}
}

// timeWork returns the median CPU time of some work, in µs, and its allocations.
func timeWork(b *bed, work func()) (micros, mallocs float64) {
	b.Helper()
	var all []float64
	for range max(3, b.rounds) {
		const n = 20_000
		begin := ownCPU() // the clock would count what others do as well
		for range n {
			work()
		}
		all = append(all, float64((ownCPU()-begin).Nanoseconds())/1e3/n)
	}
	return middle(all), testing.AllocsPerRun(1000, work)
}
