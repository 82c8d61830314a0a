package sources_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// TestGroupsAreTheSameInAnyOrder has two replicas that tell of the same alerts.
func TestGroupsAreTheSameInAnyOrder(t *testing.T) {
	one := func(id, source string) string {
		return `{"specversion":"1.0","type":"t","source":"` + source + `","id":"` + id + `"}`
	}
	group := func(body string, parts ...int) string {
		d := sources.NewDelivery(sources.Message{Raw: envelope.Raw{Body: []byte(body)}, Topic: "t"}, nil)
		d.Decode(envelope.Decoder{})
		if d.Malformed != nil {
			t.Fatal(d.Malformed)
		}
		return d.GroupIdentity(parts)
	}
	a, b, c := one("1", "/s"), one("2", "/s"), one("3", "/s")
	same := group("["+a+","+b+","+c+"]", 0, 1, 2)
	if got := group("["+c+","+a+","+b+"]", 0, 1, 2); got != same {
		t.Error("another order is another group")
	}
	for name, other := range map[string]string{
		"fewer":          group("["+a+","+b+","+c+"]", 0, 1),
		"another member": group("["+a+","+b+","+one("4", "/s")+"]", 0, 1, 2),
		"another source": group("["+a+","+b+","+one("3", "/z")+"]", 0, 1, 2),
	} {
		if other == same {
			t.Errorf("%s: the same identity", name)
		}
	}
}
