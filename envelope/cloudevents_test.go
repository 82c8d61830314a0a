package envelope_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// TestEventsMeanWhatTheOfficialSDKReads gives every two attributes all kinds of
// values: what the SDK accepts means the same here, and what it refuses is shown
// all the same, as far as there is something to show.
func TestEventsMeanWhatTheOfficialSDKReads(t *testing.T) {
	names := []string{"id", "source", "type", "subject", "datacontenttype"}
	values := []string{"", " ", "x", "text/plain; charset=utf-8", "a b", "/", "a/b;c"}
	decoder := newDecoder(envelope.Config{Format: "cloudevents"})
	for _, first := range names {
		for _, second := range names {
			for i := range len(values) * len(values) {
				attributes := map[string]string{"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
				attributes[first], attributes[second] = values[i%len(values)], values[i/len(values)]
				body, err := json.Marshal(attributes)
				if err != nil {
					t.Fatal(err)
				}
				sdk := sdkContext(attributes)
				decoded, err := decoder.Decode(envelope.Raw{Body: body})
				switch {
				case err != nil && strings.TrimSpace(attributes["type"]+attributes["subject"]) != "":
					t.Errorf("%s: %v", body, err)
				case err == nil && sdk.Validate() == nil:
					e := decoded.Envelopes[0]
					if e.ID != sdk.ID || e.Source != strings.TrimRight(attributes["source"], " ") || e.EventType != sdk.Type {
						t.Errorf("%s: %+v", body, e)
					}
				}
			}
		}
	}
}

// The title of an event whose data has none is its type, wherever it was published.
func TestAnEventIsNamedByItsType(t *testing.T) {
	t.Parallel()
	e, err := envelope.Decode(envelope.Raw{
		Body: []byte(`{"specversion":"1.0","id":"1","source":"/door","type":"org.example.opened","subject":"3","data":{"times":2}}`),
		From: envelope.Place{Topic: "notify.doors"},
	})
	if want := "org.example.opened: 3"; err != nil || e.Subject != want {
		t.Errorf("the title is %q, %v, want %q", e.Subject, err, want)
	}
}

// sdkContext is an event of the SDK with these attributes.
func sdkContext(attributes map[string]string) event.EventContextV1 {
	c := event.EventContextV1{ID: attributes["id"], Type: attributes["type"]}
	if source := types.ParseURIRef(attributes["source"]); source != nil {
		c.Source = *source
	}
	// Optional attributes that are empty are absent to us, and wrong to the SDK.
	if subject := attributes["subject"]; subject != "" {
		c.Subject = &subject
	}
	if media := attributes["datacontenttype"]; media != "" {
		c.DataContentType = &media
	}
	return c
}
