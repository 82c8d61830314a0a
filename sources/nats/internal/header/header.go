// Package header turns the headers of NATS into those of a notification.
package header

import (
	"maps"
	"slices"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Size is what a message takes in memory, see [sources.Message.Size].
func Size(m *client.Msg) int {
	size := m.Size()
	for _, values := range m.Header {
		size += len(values) * sources.HeaderOverhead
	}
	return size
}

// List lists headers in a stable order.
func List(h client.Header) []envelope.Header {
	if len(h) == 0 {
		return nil
	}
	list := make([]envelope.Header, 0, len(h))
	for _, key := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[key] {
			list = append(list, envelope.Header{Key: key, Value: value})
		}
	}
	return list
}
