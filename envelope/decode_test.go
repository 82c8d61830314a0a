package envelope_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

func decode(body string) (envelope.Envelope, error) {
	return decodeNative([]byte(body))
}

// decodeNative decodes with ENVELOPE_FORMAT=native.
func decodeNative(body []byte) (envelope.Envelope, error) {
	decoded, err := envelope.NewDecoder(envelope.Config{Format: "native"}).Decode(envelope.Raw{Body: body})
	if err != nil {
		return envelope.Envelope{}, err
	}
	return decoded.Envelopes[0], nil
}

func mustDecode(t *testing.T, file string) envelope.Envelope {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	e, err := decodeNative(body)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return e
}

func TestDecodeFillsEveryField(t *testing.T) {
	got := mustDecode(t, "testdata/good/full.json")
	if want := time.Date(2026, 3, 29, 11, 5, 0, 123456000, time.UTC); !got.Time.Equal(want) {
		t.Errorf("time = %v, want %v", got.Time, want)
	}
	got.Time = time.Time{}
	want := envelope.Envelope{
		ID:           "7f9c2ba4-e88f-11ee-a951-0242ac120002",
		Severity:     envelope.Critical,
		Subject:      "Disk full on db-1",
		Message:      "/var/lib/postgresql is at 100 %\nWrites fail since 13:02.",
		Source:       "disk-watch",
		ServerName:   "production",
		HostName:     "db-1.example.org",
		DomainName:   "domain1",
		InstanceName: "postgres-15",
		EventType:    "DISK",
		Data:         json.RawMessage(`{"used": 1.0, "mount": "/var/lib/postgresql"}`),
		Labels:       map[string]string{"team": "storage"},
		Extra: map[string]json.RawMessage{
			"runbook": json.RawMessage(`"https://wiki.example.org/disk-full"`),
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDecodeTakesNullAndEmptyAsAbsent(t *testing.T) {
	for file, want := range map[string]envelope.Envelope{
		"nulls":         {Subject: "Only a subject"},
		"empty-strings": {Message: "still here"},
	} {
		if got := mustDecode(t, "testdata/good/"+file+".json"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", file, got, want)
		}
	}
}

func TestDecodeKeepsWhatItDoesNotKnow(t *testing.T) {
	got := mustDecode(t, "testdata/good/unknown-members.json")
	want := map[string]json.RawMessage{
		"Subject": json.RawMessage(`"another"`),
		"alerts":  json.RawMessage(`[1,{"a":"}"},"]"]`),
		"ratio":   json.RawMessage(`-1.5e-3`),
		"ok":      json.RawMessage(`true`),
	}
	if got.Subject != "s" || !reflect.DeepEqual(got.Extra, want) {
		t.Errorf("subject %q, extra %s", got.Subject, got.Extra)
	}
}

func TestDecodeUndoesEscapes(t *testing.T) {
	got := mustDecode(t, "testdata/good/escapes.json")
	want := envelope.Envelope{
		Subject: `a "quoted" \ title`,
		Message: "tab\there\r\nline 2 ä 🔥 \uFFFD lone",
		Source:  "escaped name",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDecodeKeepsIDsAsWritten(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"0042","subject":"s"}`:               "0042",
		`{"id":12345678901234567890,"subject":"s"}`: "12345678901234567890",
		`{"id":1.50,"subject":"s"}`:                 "1.50",
	} {
		if got, err := decode(body); err != nil || got.ID != want {
			t.Errorf("%s: id %q, %v; want %q", body, got.ID, err, want)
		}
	}
}

func TestDecodeNeverLosesANotificationForItsSeverity(t *testing.T) {
	got := mustDecode(t, "testdata/good/severity-unknown.json")
	if got.Severity != envelope.Unspecified || string(got.Extra["severity"]) != `"sev-2"` {
		t.Errorf("severity %v, extra %s", got.Severity, got.Extra)
	}
}

func TestDecodeIgnoresAByteOrderMark(t *testing.T) {
	if got, err := decode("\uFEFF{\"subject\":\"from Windows\"}"); err != nil || got.Subject != "from Windows" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeKeepsNothingOfTheBody(t *testing.T) {
	body := []byte(`{"subject":"s","data":[1],"x":2}`)
	got, err := envelope.Decode(envelope.Raw{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	if got.Subject != "s" || string(got.Data) != "[1]" || string(got.Extra["x"]) != "2" {
		t.Errorf("envelope changed with the buffer: %+v", got)
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"", "empty message"},
		{" \n", "empty message"},
		{"Disk full", "not JSON at byte 0: invalid character 'D' looking for beginning of value"},
		{`{"subject":"a",}`, "not JSON at byte 15: invalid character '}' looking for beginning of object key string"},
		{`{"subject":"a"`, "not JSON at byte 13: unexpected end of JSON input"},
		{`{"subject":"a"} x`, "not JSON at byte 16: invalid character 'x' after top-level value"},
		{"{\"subject\":\"\xff\"}", "not UTF-8: invalid byte 0xff at byte 12"},
		{`[{}]`, "expected a JSON object, got array"},
		{` "x" `, `expected a JSON object, got string "x"`},
		{`{}`, `nothing to show: expected at least one of "subject", "message" and "data"`},
		{`{"severity":3,"subject":"s"}`, "severity: expected a string, got number 3"},
		{`{"subject":{}}`, "subject: expected a string, got object"},
		{`{"hostName":true}`, "hostName: expected a string, got boolean true"},
		{`{"id":[1]}`, "id: expected a string, got array"},
		{`{"time":"noon"}`, `time: expected RFC 3339 like 2026-03-29T13:05:00Z, got "noon"`},
		{`{"time":"` + strings.Repeat("é", 70) + `"}`, `time: expected RFC 3339 like 2026-03-29T13:05:00Z, got "` + strings.Repeat("é", 64) + `…"`},
		{`{"subject":"a","subject":"b"}`, `"subject": given twice`},
		{`{"subject":"a","x":1,"\u0078":1}`, `"x": given twice`},
	} {
		if _, err := decode(c.body); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got: %v\nwant: %s", c.body, err, c.want)
		}
	}
}

func TestDecodeRefusesEndlessNesting(t *testing.T) {
	_, err := decode(`{"subject":"s","x":` + strings.Repeat("[", 1<<20))
	if err == nil || !strings.Contains(err.Error(), "exceeded max depth") {
		t.Errorf("got %v", err)
	}
}

func TestHeaderNamesMatchInAnyCase(t *testing.T) {
	raw := envelope.Raw{Header: []envelope.Header{{Key: "Content-Type", Value: "a"}, {Key: "content-type", Value: "b"}}}
	if got := raw.Get("CONTENT-TYPE"); got != "a" {
		t.Errorf("got %q, want the first value", got)
	}
	if got := raw.Get("other"); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func ExampleDecode() {
	raw := envelope.Raw{Body: []byte(`{
		"severity": "SEVERE",
		"subject": "Disk full on db-1",
		"hostName": "db-1.example.org",
		"runbook": "https://wiki.example.org/disk-full"
	}`)}
	e, err := envelope.Decode(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Severity, "-", e.Subject)
	fmt.Printf("%s\n", e.Extra["runbook"])

	_, err = envelope.Decode(envelope.Raw{Body: []byte(`{"subject": ["Disk full"]}`)})
	fmt.Println(err)
	// Output:
	// error - Disk full on db-1
	// "https://wiki.example.org/disk-full"
	// subject: expected a string, got array
}
