package envelope_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// FuzzNative checks that any body gives either an error or an envelope that
// can be shown, and that all members are those that encoding/json sees.
func FuzzNative(f *testing.F) {
	addSamples(f, "testdata/good/*.json", "testdata/bad/*.json")
	decoder := newDecoder(envelope.Config{Format: "native"})
	f.Fuzz(func(t *testing.T, body []byte) {
		if list := checkDecode(t, decoder, envelope.Raw{Body: body}); len(list) == 1 && isObject(body) {
			compareMembers(t, list[0], body)
		}
	})
}

func isObject(body []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(bytes.TrimPrefix(body, []byte("\uFEFF")), &members) == nil && len(members) > 1
}

// FuzzAny does the same for any message, of any format: whatever it is takes
// little time and has something to show.
func FuzzAny(f *testing.F) {
	addSamples(f, "testdata/samples/*.in")
	f.Fuzz(func(t *testing.T, body []byte) {
		start := time.Now()
		checkDecode(t, envelope.Decoder{}, envelope.Raw{Body: body, From: envelope.Place{Topic: "t", Time: time.Unix(1774789500, 0)}})
		if took := time.Since(start); took > 10*time.Second && len(body) < 100_000 {
			t.Errorf("%v", took)
		}
	})
}

// FuzzPayara, FuzzAlertmanager and FuzzPlainText do the same for the other
// formats of one body.
func FuzzPayara(f *testing.F) {
	addSamples(f, "testdata/samples/payara-*.in")
	decoder := newDecoder(envelope.Config{Format: "payara"})
	f.Fuzz(func(t *testing.T, body []byte) { checkDecode(t, decoder, envelope.Raw{Body: body}) })
}

func FuzzAlertmanager(f *testing.F) {
	addSamples(f, "testdata/samples/alertmanager-*.in")
	alerts := newDecoder(envelope.Config{Format: "alertmanager"})
	f.Fuzz(func(t *testing.T, body []byte) {
		if list := checkDecode(t, alerts, envelope.Raw{Body: body}); len(list) > 0 {
			if e := envelope.Group(list); len(e.Members) != len(list) || e.Subject == "" {
				t.Errorf("a group of %d members, named %q, of %d alerts", len(e.Members), e.Subject, len(list))
			}
		}
	})
}

func FuzzPlainText(f *testing.F) {
	addSamples(f, "testdata/samples/text-*.in")
	decoder := newDecoder(envelope.Config{Format: "text"})
	f.Fuzz(func(t *testing.T, body []byte) { checkDecode(t, decoder, envelope.Raw{Body: body}) })
}

// FuzzCloudEvents checks that events that the official SDK accepts are
// accepted, and mean the same.
func FuzzCloudEvents(f *testing.F) {
	addSamples(f, "testdata/samples/cloudevents-*.in")
	decoder := newDecoder(envelope.Config{Format: "cloudevents"})
	f.Fuzz(func(t *testing.T, body []byte) {
		list := checkDecode(t, decoder, envelope.Raw{Body: body})
		if len(list) == 1 {
			compareEvent(t, list[0], body)
		}
	})
}

// FuzzHeaders feeds any header and body to the recognition of formats.
func FuzzHeaders(f *testing.F) {
	f.Add("ce-id", "a%20b", "ce-source", `"/s"`, "application/json", []byte(`{"a":1}`))
	f.Add("ce_id", "a", "ce_source", "/s", "application/xml", []byte("\xff"))
	f.Add("Content-Type", "text/plain", "x", "y", "application/cloudevents-batch+json", []byte(`[{}]`))
	f.Add("ce-severitynumber", "17", "ce-expirytime", "2026-01-01T00:00:00Z", "", []byte(``))
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2, media string, body []byte) {
		raw := envelope.Raw{Body: body, Header: []envelope.Header{
			{Key: key1, Value: value1}, {Key: key2, Value: value2}, {Key: "content-type", Value: media},
		}}
		checkDecode(t, envelope.Decoder{}, raw)
		for _, prefix := range []string{"ce_", "ce-"} {
			for name, value := range map[string]string{"specversion": "1.0", "id": "i", "source": "/s", "type": "t"} {
				raw.Header = append(raw.Header, envelope.Header{Key: prefix + name, Value: value})
			}
			checkDecode(t, envelope.Decoder{}, raw)
		}
	})
}

func addSamples(f *testing.F, patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
		}
	}
}

// checkDecode holds what is true of every message, and returns its envelopes.
func checkDecode(t *testing.T, d envelope.Decoder, raw envelope.Raw) []envelope.Envelope {
	t.Helper()
	decoded, err := d.Decode(raw)
	if err != nil {
		if text := err.Error(); text == "" || len(text) > 1024 || !utf8.ValidString(text) {
			t.Errorf("an error of %d bytes, or not UTF-8: %q", len(text), text)
		}
		return nil
	}
	if len(decoded.Envelopes) == 0 || decoded.Format == "" || decoded.Why == "" {
		t.Errorf("incomplete: %+v", decoded)
	}
	for _, e := range decoded.Envelopes {
		if strings.TrimSpace(e.Subject+e.Message) == "" && len(e.Data) == 0 && len(e.Details) == 0 {
			t.Errorf("nothing to show: %+v", e)
		}
		if len(e.Data) > 0 && !json.Valid(e.Data) {
			t.Errorf("data is not JSON: %s", e.Data)
		}
		for name, value := range e.Extra {
			if !json.Valid(value) {
				t.Errorf("extra %q is not JSON: %s", name, value)
			}
		}
	}
	return decoded.Envelopes
}

func compareMembers(t *testing.T, e envelope.Envelope, body []byte) {
	t.Helper()
	var want map[string]any
	if err := unmarshal(strings.TrimPrefix(string(body), "\uFEFF"), &want); err != nil {
		t.Fatalf("Decode accepts what is not JSON: %v", err)
	}
	for name, got := range map[string]string{"subject": e.Subject, "message": e.Message, "source": e.Source} {
		// In a native message they are what they are called.
		if text, _ := want[name].(string); text != "" && want["subject"] != nil && want["subject"] != "" && got != text {
			t.Errorf("%s = %q, want %q", name, got, text)
		}
	}
	for name, raw := range e.Extra {
		var got any
		if err := unmarshal(string(raw), &got); err != nil || !reflect.DeepEqual(got, want[name]) {
			t.Errorf("extra %q = %s, want %v (%v)", name, raw, want[name], err)
		}
	}
}

// unmarshal keeps numbers as they are written: JSON knows greater ones than Go.
func unmarshal(text string, v any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(v)
}

// compareEvent compares with what the SDK reads, where it can read the event.
func compareEvent(t *testing.T, e envelope.Envelope, body []byte) {
	t.Helper()
	sdk, err := sdkEvent(body)
	if err != nil {
		return
	}
	if e.ID != sdk.ID() || e.EventType != sdk.Type() {
		t.Errorf("id %q, type %q; the SDK reads %q and %q", e.ID, e.EventType, sdk.ID(), sdk.Type())
	}
	if !e.Time.Equal(sdk.Time()) {
		t.Errorf("time %v; the SDK reads %v", e.Time, sdk.Time())
	}
}

// sdkEvent reads an event with the SDK, which panics on some bodies, and reads
// only up to a member with an empty name.
func sdkEvent(body []byte) (e event.Event, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\uFEFF")), &members); err != nil || members[""] != nil {
		return e, errors.New("the SDK does not read all of it")
	}
	defer func() {
		if recover() != nil {
			err = errors.New("the SDK panics")
		}
	}()
	if err := e.UnmarshalJSON(body); err != nil {
		return e, err
	}
	return e, e.Validate()
}
