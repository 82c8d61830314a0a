// Package envelope holds what a notification is, free of any broker and any
// room, and the decoders of the formats in which notifications travel.
package envelope

import (
	"encoding/json"
	"strings"
	"time"
)

// Raw is a notification as a broker hands it over: headers and undecoded body.
type Raw struct {
	Header []Header
	Body   []byte
}

// Header is one broker header. Brokers allow a key to repeat, and Kafka keeps
// the order, so headers are a list and not a map.
type Header struct {
	Key, Value string
}

// Get returns the value of the first header whose key equals key in any case,
// or "". HTTP, NATS and CloudEvents all treat header names as case-insensitive.
func (r Raw) Get(key string) string {
	for _, h := range r.Header {
		if strings.EqualFold(h.Key, key) {
			return h.Value
		}
	}
	return ""
}

// Envelope is one decoded notification. Every field may be empty except that
// Decode refuses a notification with neither Subject nor Message nor Data:
// there would be nothing to show.
type Envelope struct {
	// ID is the publisher's identity of the notification, unique within
	// Source. The same ID from the same Source is the same notification.
	ID string
	// Source is the service that speaks.
	Source string
	// Time is when it happened; zero if the publisher did not say.
	Time     time.Time
	Severity Severity
	// Subject is a one-line title; Message is the text.
	Subject, Message string
	// Where it happened, in Payara's terms.
	ServerName, HostName, DomainName, InstanceName string
	// EventType is the publisher's own classification.
	EventType string
	// Data is the structured payload, kept as it came.
	Data json.RawMessage
	// Extra holds the members that have no field here, for templates, and a
	// severity whose word is not known. Nil if there are none.
	Extra map[string]json.RawMessage
}
