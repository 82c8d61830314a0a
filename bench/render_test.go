//go:build real && linux

package bench_test

import (
	"fmt"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// rendering times what the worker does with a notification between a broker
// and the room.
func rendering(b *bed) string {
	b.Helper()
	t := newTable("decode and render", "bytes", "CPU µs", "allocations")
	var kept promises
	for _, c := range []struct {
		name               string
		raw                envelope.Raw
		micros, allocation float64 // what is promised; 0: nothing
	}{
		{"native", envelope.Raw{Body: notification("backlog12-1234")}, 6, 25},
		{"structured CloudEvent", structured(), 12, 0},
	} {
		micros, allocations := timeRendering(b, c.raw)
		t.row(c.name, fmt.Sprint(len(c.raw.Body)), micros.String(), fmt.Sprintf("%.0f", allocations))
		kept.atMost(c.micros, "µs CPU", c.name, micros.median)
		if c.allocation > 0 {
			kept.atMost(c.allocation, "allocations", c.name, allocations)
		}
	}
	return t.text + "\n" + kept.text
}

func structured() envelope.Raw {
	return envelope.Raw{
		Header: []envelope.Header{{Key: "Content-Type", Value: "application/cloudevents+json"}},
		Body: []byte(`{"specversion":"1.0","id":"7f9c2ba4-e88f-11ee-a951-0242ac120002","source":"/disk-watch","type":"org.example.disk.full",` +
			`"time":"2026-03-29T13:05:00Z","severitynumber":18,"severitytext":"critical","datacontenttype":"application/json",` +
			`"data":{"subject":"Disk full on db-1","message":"/var/lib/postgresql is at 100 %","hostName":"db-1.example.org"}}`),
	}
}

func timeRendering(b *bed, raw envelope.Raw) (micros stat, allocations float64) {
	b.Helper()
	work := func() {
		e, err := envelope.Decode(raw)
		must(b, err)
		if render.Text(e) == "" {
			b.Fatal("no text")
		}
	}
	var all []float64
	for range max(3, b.rounds) {
		const n = 50_000
		begin := ownCPU() // that of the clock would count what others do as well
		for range n {
			work()
		}
		all = append(all, float64((ownCPU()-begin).Nanoseconds())/1e3/n)
	}
	return statOf(all), testing.AllocsPerRun(1000, work)
}
