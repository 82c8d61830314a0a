package sources_test

import (
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// TestAnIDWithoutASourceIsThatOfItsTopic has two services that count their
// notifications, each for itself.
func TestAnIDWithoutASourceIsThatOfItsTopic(t *testing.T) {
	identity := func(topic, body string, offset uint64) string {
		d := sources.NewDelivery(sources.Message{
			Raw: envelope.Raw{Body: []byte(body)}, Broker: "kafka", Topic: topic, Offset: offset, Time: time.Unix(1774789500, 0),
		}, nil)
		d.Decode(envelope.Decoder{})
		if d.Malformed != nil {
			t.Fatal(d.Malformed)
		}
		return d.Identity()
	}
	payment, disk := `{"id":17,"subject":"svc A: payment refused"}`, `{"id":17,"subject":"svc B: disk full"}`
	if identity("pay", payment, 1) == identity("disks", disk, 1) {
		t.Error("the same id on another topic is the same notification")
	}
	if identity("pay", payment, 1) != identity("pay", payment, 2) {
		t.Error("the same id on the same topic is another notification")
	}
	named := `{"id":17,"source":"svc-a","subject":"payment refused"}`
	if identity("pay", named, 1) != identity("copies", named, 1) {
		t.Error("the same id of the same source is another notification elsewhere")
	}
	device := `{"id":"sensor-1","state":"down","value":3}`
	if identity("sensors", device, 1) == identity("sensors", `{"id":"sensor-1","state":"up","value":4}`, 2) {
		t.Error("what happens to one thing later is the same notification")
	}
}

// Many short headers take more memory than their text.
func TestSizeCountsWhatHeadersTake(t *testing.T) {
	m := sources.Message{Raw: envelope.Raw{Body: []byte("body"), Header: make([]envelope.Header, 1000)}, Key: []byte("key")}
	if size := m.Size(); size < 1000*50 {
		t.Errorf("1000 headers count as %d bytes", size)
	}
}
