package envelope_test

import (
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// What ends or supersedes another says which one, in all formats that can.
func TestWhatANotificationFollows(t *testing.T) {
	header := func(pairs ...string) (list []envelope.Header) {
		for _, pair := range pairs {
			key, value, _ := strings.Cut(pair, "=")
			list = append(list, envelope.Header{Key: key, Value: value})
		}
		return list
	}
	alert := func(status string) envelope.Raw {
		return envelope.Raw{Body: []byte(`{"receiver":"r","alerts":[{"status":"` + status + `","startsAt":"2026-03-29T10:00:00Z",` +
			`"endsAt":"2026-03-29T10:12:00Z","labels":{"alertname":"Disk"}}]}`)}
	}
	alarm := decodeOne(t, alert("firing")).ID
	for name, tc := range map[string]struct {
		raw  envelope.Raw
		want string
	}{
		"native":              {envelope.Raw{Body: []byte(`{"id":"2","follows":"1","subject":"a"}`)}, "1"},
		"native, a number":    {envelope.Raw{Body: []byte(`{"id":2,"follows":1,"subject":"a"}`)}, "1"},
		"native, none":        {envelope.Raw{Body: []byte(`{"id":2,"follows":null,"subject":"a"}`)}, ""},
		"cloudevents":         {envelope.Raw{Body: []byte(`{"specversion":"1.0","id":"2","source":"/s","type":"t","follows":"1"}`)}, "1"},
		"cloudevents, binary": {envelope.Raw{Header: header("ce_specversion=1.0", "ce_id=2", "ce_source=/s", "ce_type=t", "ce_follows=1"), Body: []byte(`{}`)}, "1"},
		"a resolved alert":    {alert("resolved"), alarm},
		"a firing alert":      {alert("firing"), ""},
	} {
		if got := decodeOne(t, tc.raw).Follows; got != tc.want {
			t.Errorf("%s: follows %q, want %q", name, got, tc.want)
		}
	}
}

func decodeOne(t *testing.T, raw envelope.Raw) envelope.Envelope {
	t.Helper()
	decoded, err := envelope.Decoder{}.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return decoded.Envelopes[0]
}
