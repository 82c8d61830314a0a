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
	decoded, err := newDecoder(envelope.Config{Format: "native"}).Decode(envelope.Raw{Body: body})
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
		Links: []envelope.Link{{Name: "runbook", URL: "https://wiki.example.org/disk-full"}},
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

func TestDecodeKeepsAWordThatNobodyKnows(t *testing.T) {
	got, err := decode(`{"subject":"s","severity":"gold"}`)
	if err != nil || got.Severity != envelope.Unspecified || got.SeverityWord != "gold" {
		t.Errorf("severity %v, word %q, %v", got.Severity, got.SeverityWord, err)
	}
	own := newDecoder(envelope.Config{SeverityMap: []string{"Gold=critical"}})
	decoded, err := own.Decode(envelope.Raw{Body: []byte(`{"subject":"s","severity":"GOLD"}`)})
	if err != nil || decoded.Envelopes[0].Severity != envelope.Critical || decoded.Envelopes[0].SeverityWord != "" {
		t.Errorf("with SEVERITY_MAP: %+v, %v", decoded, err)
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
		{"{\"subject\":\"\xff\"}", "not UTF-8: invalid byte 0xff at byte 12: publish UTF-8, or name the charset in the header Content-Type"},
		{` "x" `, `expected a JSON object, got string "x"`},
		{`{}`, `native: nothing to show: an object without members`},
		{`{"severity":"error","time":null}`, `native: nothing to show: its members are severity, time`},
	} {
		if _, err := decode(c.body); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got: %v\nwant: %s", c.body, err, c.want)
		}
	}
}

// TestNoTypeCostsANotification has members of every wrong type: what they say is
// shown, and all else as well.
func TestNoTypeCostsANotification(t *testing.T) {
	for body, want := range map[string]string{
		`{"subject":"s","severity":3}`:                      "warning s [{severity 3}]",
		`{"subject":"s","hostName":true}`:                   "unspecified s [{hostName true}]",
		`{"subject":"s","id":["7"]}`:                        "unspecified s [{id 7}]",
		`{"subject":"s","time":"noon"}`:                     "unspecified s [{time noon}]",
		`{"subject":"s","labels":["a","b"]}`:                "unspecified s [{labels a, b}]",
		`{"subject":"s","labels":{"a":{"b":1}}}`:            "unspecified s [{a.b 1}]",
		`{"subject":"s","source":{"name":"pay"}}`:           "unspecified s []",
		`{"subject":"s","message":{"text":"more"},"x":[1]}`: "unspecified s [{x 1}]",
		`{"subject":"a","subject":"s"}`:                     "unspecified s []",
		`{"subject":"s","links":"https://x.example.org"}`:   "unspecified s []",
	} {
		e, err := envelope.Decode(envelope.Raw{Body: []byte(body)})
		if got := fmt.Sprintf("%v %s %v", e.Severity, e.Subject, e.Details); err != nil || got != want {
			t.Errorf("%s\n got: %s, %v\nwant: %s", body, got, err, want)
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

	_, err = envelope.Decode(envelope.Raw{Body: []byte(`{"severity": "error"}`)})
	fmt.Println(err)
	// Output:
	// error - Disk full on db-1
	// "https://wiki.example.org/disk-full"
	// json: nothing to show: its members are severity
}
