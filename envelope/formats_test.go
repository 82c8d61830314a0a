package envelope_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// h makes headers of "Key: value" lines.
func h(lines ...string) []envelope.Header {
	var list []envelope.Header
	for _, line := range lines {
		key, value, _ := strings.Cut(line, ": ")
		list = append(list, envelope.Header{Key: key, Value: value})
	}
	return list
}

// TestMalformedMessagesSayWhatIsWrongAndWhere has what becomes a dead letter.
func TestMalformedMessagesSayWhatIsWrongAndWhere(t *testing.T) {
	for _, c := range []struct {
		header     []envelope.Header
		body, want string
	}{
		{nil, "", "empty message"},
		{nil, "a\xff", "not UTF-8: invalid byte 0xff at byte 1: publish UTF-8, or name the charset in the header Content-Type"},
		{h("content-type: application/json"), `<xml/>`, "not JSON at byte 0: invalid character '<' looking for beginning of value"},
		{h("content-type: application/json"), `{"a":`, "not JSON at byte 4: unexpected end of JSON input"},
		{h("content-type: text/plain; charset=x-none"), "a\xc0", `header Content-Type: charset "x-none" is not known: publish UTF-8`},
		{nil, `{"id":"1","subject":"Disk fu`, "not JSON at byte 27: unexpected end of JSON input"},
		{nil, `{"a":null}`, "json: nothing to show: its members are a"},
		{nil, `[]`, "json: no notification in it"},
		{h("content-type: application/cloudevents+json"), `"x"`, `cloudevents: expected a JSON object, got string "x"`},
		{h("content-type: application/cloudevents+json"), `{"id":"1"`, "cloudevents: not JSON at byte 8: unexpected end of JSON input"},
		{h("content-type: application/cloudevents+json"), `{"specversion":"1.0","id":"1"}`, "cloudevents: nothing to show: its members are specversion, id"},
		{h("content-type: application/cloudevents+avro"), `x`, `cloudevents: format "avro" is not supported: publish as application/cloudevents+json`},
		{h("content-type: application/cloudevents-batch+json"), `[]`, "cloudevents: no notification in it"},
		{nil, `{"receiver":"r","alerts":[]}`, "alertmanager: expected at least one alert: its members are receiver, alerts"},
	} {
		_, err := envelope.Decoder{}.Decode(envelope.Raw{Header: c.header, Body: []byte(c.body)})
		if err == nil || err.Error() != c.want {
			t.Errorf("%q %s\n got: %v\nwant: %s", c.header, c.body, err, c.want)
		}
	}
}

// TestOneBadPartDoesNotCostTheOthers has batches in which one cannot be read.
func TestOneBadPartDoesNotCostTheOthers(t *testing.T) {
	event := `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"subject":"good"}}`
	for body, want := range map[string][]string{
		"[" + event + ",3]":                                                           {"good", "Part 2 of a message cannot be read: expected an object, got number"},
		"[" + event + `,{"id":"2"}]`:                                                  {"good", "Part 2 of a message cannot be read: nothing to show in it"},
		"[" + event + `,{"specversion":"1.0","type":7}]`:                              {"good", "7"},
		`{"receiver":"r","alerts":[{"labels":{"alertname":"Good"}},7]}`:               {"Good", "Part [1] of a message is no alert"},
		`{"receiver":"r","alerts":[{"labels":["a"],"status":3,"startsAt":"x"}]}`:      {"Alert without a name"},
		`{"receiver":"r","truncatedAlerts":"x","alerts":[{"annotations":{"a":[1]}}]}`: {"Alert without a name"},
		`{"level":"INFO","eventType":"x","subject":"s","notifierWhitelist":7}`:        {"s"},
		`[{"msg":"good"},null]`:                                                       {"", "Part 2 of a message cannot be read: expected an object, got null"},
	} {
		decoded, err := envelope.Decoder{}.Decode(envelope.Raw{Body: []byte(body)})
		var got []string
		for _, e := range decoded.Envelopes {
			got = append(got, e.Subject)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s\n got: %q, %v\nwant: %q", body, got, err, want)
		}
	}
}

// TestTextMayBeginLikeJSON has texts that are none.
func TestTextMayBeginLikeJSON(t *testing.T) {
	for _, text := range []string{"[CRITICAL] db-1: disk full", "[1] done", "{db-1} disk full", "{", `"quoted" is fine`, "[ ok ] started", "42", "null", "-"} {
		e, err := envelope.Decode(envelope.Raw{Body: []byte(text)})
		if err != nil || e.Message != text {
			t.Errorf("%s: %+v, %v", text, e, err)
		}
	}
}

func TestUnknownJSONCanGoToTheDeadLetters(t *testing.T) {
	decoder := newDecoder(envelope.Config{Format: "auto", Unknown: "dead-letter"})
	_, err := decoder.Decode(envelope.Raw{Body: []byte(`{"msg":"db refused","level":"error"}`)})
	if want := "no known format, and UNKNOWN_FORMAT=dead-letter: its members are msg, level"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := decoder.Decode(envelope.Raw{Body: []byte(`{"subject":"s","extra":1}`)}); err != nil {
		t.Errorf("a native message: %v", err)
	}
}

func TestPinnedFormatsAreNotGuessed(t *testing.T) {
	alerts := `{"receiver":"r","alerts":[{"status":"firing"}],"subject":"s"}`
	for format, want := range map[string]string{
		"native": "s", "text": alerts, "alertmanager": "Alert without a name", "payara": "s",
	} {
		decoded, err := newDecoder(envelope.Config{Format: format}).Decode(envelope.Raw{Body: []byte(alerts)})
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if e := decoded.Envelopes[0]; decoded.Format != format || e.Subject+e.Message != want {
			t.Errorf("%s: %+v", format, decoded)
		}
	}
}

func TestHeadersGoBeforeShape(t *testing.T) {
	body := `{"specversion":"1.0","id":"inner","source":"/s","type":"t","subject":"native"}`
	for name, c := range map[string]struct {
		header []envelope.Header
		want   string
	}{
		"plain text": {h("Content-Type: TEXT/Plain"), "text"},
		"binary":     {h("ce-specversion: 1.0", "ce-id: outer", "ce-source: /o", "ce-type: t"), "cloudevents"},
	} {
		decoded, err := envelope.Decoder{}.Decode(envelope.Raw{Header: c.header, Body: []byte(body)})
		if err != nil || decoded.Format != c.want || decoded.Envelopes[0].ID == "inner" {
			t.Errorf("%s: %+v, %v", name, decoded, err)
		}
	}
}

// TestCopiesOfAnAlertHaveOneIdentity has the messages of a redundant pair, which
// differ in their own address, in when an alert ended, and in the time zone.
func TestCopiesOfAnAlertHaveOneIdentity(t *testing.T) {
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	id := func(decoder envelope.Decoder, replica, status, starts, ends string, published time.Duration) string {
		t.Helper()
		body := fmt.Sprintf(`{"receiver":"r","externalURL":"http://%s","groupKey":"g","alerts":[{"status":%q,"fingerprint":"f","startsAt":%q,"endsAt":%q}]}`, replica, status, starts, ends)
		decoded, err := decoder.Decode(envelope.Raw{Body: []byte(body), From: envelope.Place{Time: start.Add(published)}})
		if err != nil {
			t.Fatal(err)
		}
		return decoded.Envelopes[0].Source + " " + decoded.Envelopes[0].ID
	}
	const utc, cet, never = "2026-03-01T08:00:00Z", "2026-03-01T09:00:00+01:00", "0001-01-01T00:00:00Z"
	for _, decoder := range []envelope.Decoder{{}} {
		firing := id(decoder, "a", "firing", utc, never, 30*time.Second)
		resolved := id(decoder, "a", "resolved", utc, "2026-03-01T08:10:00Z", 11*time.Minute)
		for what, other := range map[string]string{
			"another replica": id(decoder, "b", "firing", cet, never, 45*time.Second),
			"a late replica":  id(decoder, "b", "firing", utc, never, 10*time.Minute),
		} {
			if other != firing {
				t.Errorf("%s: %q and %q", what, firing, other)
			}
		}
		if other := id(decoder, "b", "resolved", cet, "2026-03-01T08:10:15Z", 12*time.Minute); other != resolved {
			t.Errorf("resolved by another replica: %q and %q", resolved, other)
		}
		reminder := id(decoder, "a", "firing", utc, never, 4*time.Hour+30*time.Second)
		if reminder == firing || resolved == firing {
			t.Errorf("another notification has the same identity: %q, %q, %q", firing, resolved, reminder)
		}
		if other := id(decoder, "b", "firing", utc, never, 4*time.Hour+45*time.Second); other != reminder {
			t.Errorf("a reminder of another replica: %q and %q", reminder, other)
		}
	}
}

// TestAnIDIsNoIdentityByItself has ids that name what a message is about.
func TestAnIDIsNoIdentityByItself(t *testing.T) {
	published := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	id := func(body string, after time.Duration) string {
		decoded, err := envelope.Decoder{}.Decode(envelope.Raw{Body: []byte(body), From: envelope.Place{Time: published.Add(after)}})
		if err != nil {
			t.Fatal(err)
		}
		return decoded.Envelopes[0].ID
	}
	problem, recovery := `{"event_id":"7","event_name":"db down","event_value":"1"}`, `{"event_id":"7","event_name":"db down","event_value":"0"}`
	if a, b := id(problem, 0), id(recovery, 0); a == b || a == "" {
		t.Errorf("a problem and its recovery: %q and %q", a, b)
	}
	if a, b := id(problem, 0), id(problem, time.Second); a != b {
		t.Errorf("two copies: %q and %q", a, b)
	}
	if a, b := id(problem, 0), id(problem, 3*time.Hour); a == b {
		t.Errorf("the same again hours later: %q", a)
	}
	if got := id(`{"id":17,"subject":"svc A: payment refused"}`, 0); got != "17" {
		t.Errorf("the id of a native message: %q", got)
	}
}

func TestOneMessageCannotHoldEndlessNotifications(t *testing.T) {
	event := `{"specversion":"1.0","id":"1","source":"/s","type":"t"},`
	_, err := envelope.Decoder{}.Decode(envelope.Raw{Body: []byte("[" + strings.Repeat(event, 1000) + strings.TrimSuffix(event, ",") + "]")})
	if err == nil || err.Error() != "cloudevents: more than 1000 notifications in one message" {
		t.Errorf("got %v", err)
	}
	alert := `{"status":"firing"},`
	_, err = envelope.Decoder{}.Decode(envelope.Raw{Body: []byte(`{"receiver":"r","alerts":[` + strings.Repeat(alert, 1000) + strings.TrimSuffix(alert, ",") + `]}`)})
	if err == nil || err.Error() != "alertmanager: more than 1000 notifications in one message" {
		t.Errorf("got %v", err)
	}
}

func TestValidateNamesSettingValueAndFix(t *testing.T) {
	errs := envelope.Config{Format: "xml", Unknown: "drop", SeverityMap: []string{"gold=shiny"}}.Validate()
	want := `[ENVELOPE_FORMAT="xml": use auto or cloudevents, alertmanager, payara, native, json, text ` +
		`UNKNOWN_FORMAT="drop": use show or dead-letter SEVERITY_MAP: "gold=shiny": write it like gold=critical, with debug, info, notice, warning, error, critical, alert or fatal]`
	if got := fmt.Sprint(errs); got != want {
		t.Errorf("got %s", got)
	}
	for _, format := range append(envelope.Formats(), "auto") {
		if errs := (envelope.Config{Format: format}).Validate(); len(errs) > 0 {
			t.Errorf("%s: %v", format, errs)
		}
	}
}
