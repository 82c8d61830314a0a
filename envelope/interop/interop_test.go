package interop_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// transport sends with one of the SDK's senders, and returns what a consumer
// of the broker gets.
type transport struct {
	name string
	send func(ctx context.Context, m binding.Message) error
	next func(t *testing.T) envelope.Raw
	// binary says whether the sender can do that mode.
	binary bool
}

// transports are all senders of the SDK for our brokers.
func transports(t *testing.T) []transport {
	t.Helper()
	return append(natsTransports(t), kafkaTransport(t))
}

func TestWhatTheSDKSendsMeansWhatItsSenderMeant(t *testing.T) {
	for _, tr := range transports(t) {
		for name, e := range events(t) {
			for mode, prepare := range modes {
				if mode == "binary" && !tr.binary {
					continue
				}
				t.Run(tr.name+"/"+mode+"/"+name, func(t *testing.T) {
					if err := tr.send(prepare(t.Context()), (*binding.EventMessage)(&e)); err != nil {
						t.Fatal(err)
					}
					check(t, tr.next(t), e, mode)
				})
			}
		}
	}
}

var modes = map[string]func(context.Context) context.Context{ //nolint:gochecknoglobals // a constant table
	"structured": binding.WithForceStructured,
	"binary":     binding.WithForceBinary,
}

// events are events of many kinds.
func events(t *testing.T) map[string]event.Event {
	t.Helper()
	base := func(id string) event.Event {
		e := event.New()
		e.SetID(id)
		e.SetSource("https://example.org/disk-watch")
		e.SetType("org.example.disk.full")
		return e
	}
	json := base("json")
	json.SetSubject("db-1")
	json.SetTime(time.Date(2026, 3, 29, 11, 5, 0, 123456789, time.UTC))
	json.SetExtension("severitynumber", 17)
	json.SetExtension("severitytext", "ERROR")
	json.SetExtension("expirytime", time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC))
	json.SetExtension("team", "storage")
	must(t, json.SetData(event.ApplicationJSON, map[string]any{"message": "100 % full", "mount": "/var"}))
	text := base("text")
	must(t, text.SetData(event.TextPlain, "plain words"))
	none := base("no data")
	odd := base("odd % \"id\" é 🔥")
	odd.SetSubject("Ärger, 100%, \"quoted\" 日本")
	must(t, odd.SetData(event.ApplicationJSON, map[string]any{"message": "ü"}))
	bytes := base("bytes")
	must(t, bytes.SetData("application/octet-stream", []byte{0, 1, 2, 0xff}))
	return map[string]event.Event{"json": json, "text": text, "no data": none, "odd": odd, "bytes": bytes}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// check decodes what arrived and compares it with what was sent.
func check(t *testing.T, raw envelope.Raw, sent event.Event, mode string) {
	t.Helper()
	decoded, err := envelope.Decoder{}.Decode(raw)
	if err != nil {
		t.Fatalf("%v\nheaders %q\nbody %s", err, raw.Header, raw.Body)
	}
	if decoded.Format != "cloudevents" || len(decoded.Envelopes) != 1 {
		t.Fatalf("%d envelopes of format %s: %s", len(decoded.Envelopes), decoded.Format, decoded.Why)
	}
	got := decoded.Envelopes[0]
	want := envelope.Envelope{ID: sent.ID(), Source: sent.Source(), EventType: sent.Type()}
	if got.ID != want.ID || got.Source != want.Source || got.EventType != want.EventType || !got.Time.Equal(sent.Time()) {
		t.Errorf("%s: got %+v\nsent %s", mode, got, sent)
	}
	if subject := sent.Subject(); subject != "" && got.Subject != sent.Type()+": "+subject {
		t.Errorf("subject %q, sent %q", got.Subject, subject)
	}
	if text := messages[sent.ID()]; got.Message != text {
		t.Errorf("message %q, want %q", got.Message, text)
	}
	if sent.ID() == "json" {
		checkExtensions(t, got)
	}
}

var messages = map[string]string{ //nolint:gochecknoglobals // a constant table
	"json": "100 % full", "text": "plain words", "odd % \"id\" é 🔥": "ü",
	"bytes": "(4 bytes of data, application/octet-stream)",
}

func checkExtensions(t *testing.T, got envelope.Envelope) {
	t.Helper()
	if got.Severity != envelope.Error {
		t.Errorf("severity %v", got.Severity)
	}
	if !got.Expiry.Equal(time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("expiry %v", got.Expiry)
	}
	if !reflect.DeepEqual(got.Labels, map[string]string{"team": "storage"}) {
		t.Errorf("labels %v", got.Labels)
	}
}
