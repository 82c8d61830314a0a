// Package header turns the headers of NATS into those of a notification.
package header

import (
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
	keys := make([]string, 0, len(h))
	for key := range h {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	list := make([]envelope.Header, 0, len(h))
	for _, key := range keys {
		for _, value := range h[key] {
			list = append(list, envelope.Header{Key: key, Value: value})
		}
	}
	return list
}
