package envelope_test

import (
	"fmt"
	"strings"
	"testing"

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

// TestMalformedMessagesSayWhatIsWrongAndWhere has bad messages of every kind.
func TestMalformedMessagesSayWhatIsWrongAndWhere(t *testing.T) {
	structured := h("content-type: application/cloudevents+json")
	binary := h("ce_specversion: 1.0", "ce_id: 1", "ce_source: /s", "ce_type: t")
	for _, c := range []struct {
		header     []envelope.Header
		body, want string
	}{
		{nil, "", "empty message"},
		{nil, "\xff\xfe", "not UTF-8: invalid byte 0xff at byte 0"},
		{nil, `{"a":`, "not JSON at byte 4: unexpected end of JSON input"},
		{nil, "\uFEFF{\"a\":}", "not JSON at byte 8: invalid character '}' looking for beginning of value"},
		{nil, `[1,2]`, "expected a JSON object, got array"},
		{nil, `{"subject":"a","subject":"b"}`, `"subject": given twice`},
		{nil, `{"foo":1}`, `nothing to show: expected at least one of "subject", "message" and "data"`},
		{nil, `{"subject":"s","labels":{"team":{"a":1}}}`, "labels.team: expected a string, got object"},
		{nil, `{"subject":"s","labels":["team"]}`, "labels: expected an object, got array"},
		{nil, `{"subject":"s","links":{"a":"b","a":"c"}}`, `links: "a": given twice`},
		{nil, `{"subject":"s","expires":"soon"}`, `expires: expected RFC 3339 like 2026-03-29T13:05:00Z, got "soon"`},
		{h("content-type: application/json"), `<xml/>`, "not JSON at byte 0: invalid character '<' looking for beginning of value"},
		{h("content-type: text/plain"), " \n", "empty message"},
		{h("content-type: text/plain"), "a\xc0", "not UTF-8: invalid byte 0xc0 at byte 1"},

		{structured, `{"specversion":"1.0","source":"/s","type":"t"}`, "cloudevents: id: expected a text that is not empty"},
		{structured, `{"specversion":"1.0","id":"1","type":"t"}`, "cloudevents: source: expected a text that is not empty"},
		{structured, `{"specversion":"1.0","id":"1","source":"/s"}`, "cloudevents: type: expected a text that is not empty"},
		{structured, `{"id":"1","source":"/s","type":"t"}`, `cloudevents: specversion: expected "1.0", got ""`},
		{structured, `{"specversion":"0.3","id":"1","source":"/s","type":"t"}`, `cloudevents: specversion: expected "1.0", got "0.3"`},
		{structured, `{"specversion":"1.0","id":{},"source":"/s","type":"t"}`, "cloudevents: id: expected a string, got object"},
		{structured, `{"specversion":"1.0","id":7,"source":"/s","type":"t"}`, "cloudevents: id: expected a string, got number 7"},
		{structured, `{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"now"}`, `cloudevents: time: expected RFC 3339 like 2026-03-29T13:05:00Z, got "now"`},
		{structured, `{"specversion":"1.0","id":"1","source":":// ","type":"t"}`, `cloudevents: source: expected a URI reference, got ":// "`},
		{structured, `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"data_base64":"AA=="}`, "cloudevents: data and data_base64 are both there"},
		{structured, `{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"A"}`, "cloudevents: data_base64: expected base64: illegal base64 data at input byte 0"},
		{structured, `{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":1}`, "cloudevents: data_base64: expected a string, got number 1"},
		{structured, `{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"a b"}`, `cloudevents: datacontenttype: expected a media type (RFC 2046), got "a b"`},
		{structured, `"x"`, `cloudevents: expected a JSON object, got string "x"`},
		{structured, `{"id":"1"`, "cloudevents: not JSON at byte 8: unexpected end of JSON input"},
		{h("content-type: application/cloudevents+avro"), `x`, `cloudevents: format "avro" is not supported: publish as application/cloudevents+json`},
		{h("content-type: application/cloudevents-batch+json"), `{}`, "cloudevents: expected a JSON array of events"},
		{h("content-type: application/cloudevents-batch+json"), `[]`, "cloudevents: no notification in it"},
		{nil, `[{"specversion":"1.0","id":"1","source":"/s","type":"t"},{"id":"2"}]`, `cloudevents: [1].specversion: expected "1.0", got ""`},
		{nil, `[{"specversion":"1.0"},3]`, "cloudevents: [0].id: expected a text that is not empty"},
		{h("ce_specversion: 1.0", "ce_id: 1", "ce_type: t"), `x`, "cloudevents: header ce_source: expected a text that is not empty"},
		{append(binary, h("ce_time: noon")...), `x`, `cloudevents: header ce_time: expected RFC 3339 like 2026-03-29T13:05:00Z, got "noon"`},
		{h("ce-specversion: 1.0", "ce-id: %C0%A0", "ce-source: /s", "ce-type: t"), `x`, "cloudevents: header ce-id: not UTF-8"},

		{nil, `{"receiver":"r","alerts":[]}`, "alertmanager: alerts: expected at least one alert"},
		{nil, `{"receiver":"r","alerts":[{"status":"firing"},7]}`, "alertmanager: alerts[1]: expected an object, got number 7"},
		{nil, `{"receiver":"r","alerts":[{"status":"broken"}]}`, `alertmanager: alerts[0].status: expected "firing" or "resolved", got "broken"`},
		{nil, `{"receiver":"r","alerts":[{"status":"firing","labels":["a"]}]}`, "alertmanager: alerts[0].labels: expected an object, got array"},
		{nil, `{"receiver":"r","alerts":[{"status":"firing","annotations":{"a":[]}}]}`, "alertmanager: alerts[0].annotations.a: expected a string, got array"},
		{nil, `{"receiver":"r","alerts":[{"status":"firing","startsAt":"x"}]}`, `alertmanager: alerts[0].startsAt: expected RFC 3339 like 2026-03-29T13:05:00Z, got "x"`},
		{nil, `{"receiver":"r","truncatedAlerts":"many","alerts":[{"status":"firing"}]}`, `alertmanager: truncatedAlerts: expected a whole number, got string "many"`},

		{nil, `{"level":"INFO","subject":7}`, "payara: subject: expected a string, got number 7"},
		{nil, `{"host":[],"instance":"i","domain":"d"}`, "payara: host: expected a string, got array"},
		{nil, `{"level":"INFO","subject":"s","notifierWhitelist":"xmpp-notifier"}`, `payara: notifierWhitelist: expected an array of strings, got string "xmpp-notifier"`},
		{nil, `{"level":"INFO","subject":"s","notifierBlacklist":["a",1]}`, "payara: notifierBlacklist[1]: expected a string, got number 1"},
	} {
		_, err := envelope.Decoder{}.Decode(envelope.Raw{Header: c.header, Body: []byte(c.body)})
		if err == nil || err.Error() != c.want {
			t.Errorf("%q %s\n got: %v\nwant: %s", c.header, c.body, err, c.want)
		}
	}
}

func TestPinnedFormatsAreNotGuessed(t *testing.T) {
	alerts := `{"receiver":"r","alerts":[{"status":"firing"}],"subject":"s"}`
	for format, want := range map[string]string{
		"native": "s", "text": alerts, "alertmanager": "Alert without a name", "payara": "s",
	} {
		decoded, err := envelope.NewDecoder(envelope.Config{Format: format}).Decode(envelope.Raw{Body: []byte(alerts)})
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

func TestCopiesOfAnAlertHaveOneIdentity(t *testing.T) {
	body := func(replica, status, ends string) string {
		return fmt.Sprintf(`{"receiver":"r","externalURL":"http://%s","groupKey":"g","alerts":[{"status":%q,"fingerprint":"f","startsAt":"2026-03-01T08:00:00Z","endsAt":%q}]}`, replica, status, ends)
	}
	id := func(decoder envelope.Decoder, body string) string {
		decoded, err := decoder.Decode(envelope.Raw{Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		return decoded.Envelopes[0].Source + " " + decoded.Envelopes[0].ID
	}
	for _, decoder := range []envelope.Decoder{{}, envelope.NewDecoder(envelope.Config{Alerts: "group"})} {
		firing := id(decoder, body("a", "firing", "0001-01-01T00:00:00Z"))
		if other := id(decoder, body("b", "firing", "0001-01-01T00:00:00Z")); other != firing {
			t.Errorf("two replicas: %q and %q", firing, other)
		}
		resolved := id(decoder, body("a", "resolved", "2026-03-01T08:10:00Z"))
		if resolved == firing || resolved == id(decoder, body("a", "resolved", "2026-03-01T09:10:00Z")) {
			t.Errorf("another state has the same identity: %q and %q", firing, resolved)
		}
	}
}

func TestOneMessageCannotHoldEndlessNotifications(t *testing.T) {
	event := `{"specversion":"1.0","id":"1","source":"/s","type":"t"},`
	_, err := envelope.Decoder{}.Decode(envelope.Raw{Body: []byte("[" + strings.Repeat(event, 1000) + strings.TrimSuffix(event, ",") + "]")})
	if err == nil || err.Error() != "cloudevents: more than 1000 events in one batch" {
		t.Errorf("got %v", err)
	}
	alert := `{"status":"firing"},`
	_, err = envelope.Decoder{}.Decode(envelope.Raw{Body: []byte(`{"receiver":"r","alerts":[` + strings.Repeat(alert, 1000) + strings.TrimSuffix(alert, ",") + `]}`)})
	if err == nil || err.Error() != "alertmanager: alerts: more than 1000 alerts" {
		t.Errorf("got %v", err)
	}
}

func TestValidateNamesSettingValueAndCure(t *testing.T) {
	errs := envelope.Config{Format: "xml", Alerts: "all"}.Validate()
	want := `[ENVELOPE_FORMAT="xml": use auto or cloudevents, alertmanager, payara, native, text ALERTMANAGER_NOTIFY="all": use alert or group]`
	if got := fmt.Sprint(errs); got != want {
		t.Errorf("got %s", got)
	}
	for _, format := range append(envelope.Formats(), "auto") {
		if errs := (envelope.Config{Format: format, Alerts: "group"}).Validate(); len(errs) > 0 {
			t.Errorf("%s: %v", format, errs)
		}
	}
}
