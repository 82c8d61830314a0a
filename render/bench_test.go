package render_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// notification is a usual one, of 300 bytes.
const notification = `{"id":"7f9c2ba4-e88f-11ee-a951-0242ac120002","time":"2026-03-29T13:05:00Z",` +
	`"severity":"critical","subject":"Disk full on db-1","message":"/var/lib/postgresql is at 100 %\nWrites fail since 13:02.",` +
	`"source":"disk-watch","hostName":"db-1.example.org","serverName":"production","instanceName":"postgres-15"}`

func BenchmarkDecodeAndText(b *testing.B) {
	raw := envelope.Raw{Body: []byte(notification)}
	b.SetBytes(int64(len(notification)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := envelope.Decode(raw)
		if err != nil {
			b.Fatal(err)
		}
		_ = render.Text(e)
	}
}

// TestDecodeAndTextAllocateLittle holds the budget of the worker's hot path.
func TestDecodeAndTextAllocateLittle(t *testing.T) {
	raw := envelope.Raw{Body: []byte(notification)}
	allocs := testing.AllocsPerRun(100, func() {
		e, err := envelope.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		_ = render.Text(e)
	})
	if allocs > 25 {
		t.Errorf("%.0f allocations, want at most 25", allocs)
	}
}
