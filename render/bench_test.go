package render_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// notification is a usual one, of 300 bytes.
const notification = `{"id":"7f9c2ba4-e88f-11ee-a951-0242ac120002","time":"2026-03-29T13:05:00Z",` +
	`"severity":"critical","subject":"Disk full on db-1","message":"/var/lib/postgresql is at 100 %\nWrites fail since 13:02.",` +
	`"source":"disk-watch","hostName":"db-1.example.org","serverName":"production","instanceName":"postgres-15"}`

// event is a usual structured CloudEvent.
const event = `{"specversion":"1.0","id":"7f9c2ba4-e88f-11ee-a951-0242ac120002","source":"/disk-watch","type":"org.example.disk.full",` +
	`"time":"2026-03-29T13:05:00Z","severitynumber":18,"severitytext":"critical","datacontenttype":"application/json",` +
	`"data":{"subject":"Disk full on db-1","message":"/var/lib/postgresql is at 100 %","hostName":"db-1.example.org"}}`

// The decoders beside encoding/json, which on a shared machine is the measure:
// a map of any is what it takes to read a message at all.
func BenchmarkNative(b *testing.B) {
	benchmark(b, decodeAndText(envelope.Raw{Body: []byte(notification)}))
}
func BenchmarkNativeJSON(b *testing.B)     { benchmark(b, unmarshal(notification)) }
func BenchmarkCloudEvent(b *testing.B)     { benchmark(b, decodeAndText(structured())) }
func BenchmarkCloudEventJSON(b *testing.B) { benchmark(b, unmarshal(event)) }
func BenchmarkCloudEventBinary(b *testing.B) {
	benchmark(b, decodeAndText(envelope.Raw{
		Header: []envelope.Header{
			{Key: "ce-specversion", Value: "1.0"},
			{Key: "ce-id", Value: "7f9c2ba4"},
			{Key: "ce-source", Value: "/disk-watch"},
			{Key: "ce-type", Value: "org.example.disk.full"},
			{Key: "ce-time", Value: "2026-03-29T13:05:00Z"},
			{Key: "ce-severitynumber", Value: "18"},
			{Key: "content-type", Value: "application/json"},
		},
		Body: []byte(`{"subject":"Disk full on db-1","message":"/var/lib/postgresql is at 100 %"}`),
	}))
}

func BenchmarkTemplate(b *testing.B) {
	r, err := render.New(render.Config{
		Style: "plain", MaxLines: 20, MaxBytes: 2000, Template: "{{.Mark}} {{.Subject}}\n{{.Message}}\n{{range .Links}}{{.URL}}\n{{end}}",
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	e, err := envelope.Decode(envelope.Raw{Body: []byte(notification)})
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, func() error { _, err := io.WriteString(io.Discard, r.Text(e)); return err })
}

func benchmark(b *testing.B, work func() error) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if err := work(); err != nil {
			b.Fatal(err)
		}
	}
}

func structured() envelope.Raw {
	return envelope.Raw{Header: []envelope.Header{{Key: "Content-Type", Value: "application/cloudevents+json"}}, Body: []byte(event)}
}

func decodeAndText(raw envelope.Raw) func() error {
	return func() error {
		e, err := envelope.Decode(raw)
		if err != nil {
			return err
		}
		_ = render.Text(e)
		return nil
	}
}

func unmarshal(body string) func() error {
	return func() error {
		var v map[string]any
		return json.Unmarshal([]byte(body), &v)
	}
}

// TestDecodeAndTextAllocateLittle holds the budget of the worker's hot path.
func TestDecodeAndTextAllocateLittle(t *testing.T) {
	limits := map[string]float64{"native": 15, "cloudevents": 25}
	for name, work := range map[string]func() error{
		"native": decodeAndText(envelope.Raw{Body: []byte(notification)}), "cloudevents": decodeAndText(structured()),
	} {
		allocs := testing.AllocsPerRun(100, func() {
			if err := work(); err != nil {
				t.Fatal(err)
			}
		})
		if t.Logf("%s: %.0f allocations", name, allocs); allocs > limits[name] {
			t.Errorf("%s: %.0f allocations, want at most %.0f", name, allocs, limits[name])
		}
	}
}
