// Package envelope holds what a notification is, free of any broker and any
// room, and the decoders of the formats in which notifications travel.
//
// Every format is one file with one entry in the list of formats.
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
	// From is where in the broker it was; zero if that is not known.
	From Place
}

// Place is where a notification was, as far as it matters to what it means.
type Place struct {
	// Topic is the Kafka topic or NATS subject.
	Topic string
	// Key is the Kafka record key.
	Key []byte
	// Time is the broker's timestamp, the same at every redelivery.
	Time time.Time
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
// a Decoder refuses a notification with neither Subject nor Message nor Data:
// there would be nothing to show.
type Envelope struct {
	// ID is the publisher's identity of the notification, unique within
	// Source. The same ID from the same Source is the same notification.
	ID string `json:"id,omitzero"`
	// Source is the service that sent it.
	Source string `json:"source,omitzero"`
	// Follows is the ID, from the same Source, of the notification that this one ends
	// or supersedes.
	Follows string `json:"follows,omitzero"`
	// Time is when it happened; zero if the publisher did not say.
	Time time.Time `json:"time,omitzero"`
	// Expiry is when it stops being news; zero if never.
	Expiry time.Time `json:"expires,omitzero"`
	// Severity says how bad it is.
	Severity Severity `json:"severity,omitzero"`
	// SeverityWord is the publisher's word for the severity, if it is not known.
	SeverityWord string `json:"severityWord,omitzero"`
	// State is set if it is about something that begins and ends.
	State State `json:"state,omitzero"`
	// Fingerprint is what the beginning and the end of it have in common.
	Fingerprint string `json:"fingerprint,omitzero"`
	// Subject is a one-line title.
	Subject string `json:"subject,omitzero"`
	// Message is the text.
	Message string `json:"message,omitzero"`
	// Details are lines to show below the message: what tells this one from
	// others like it, and the first of what has no field here. If they are
	// empty and not nil, all that is in Data is shown elsewhere.
	Details []Detail `json:"details,omitempty"`
	// Where it happened, in Payara's terms.
	ServerName   string `json:"serverName,omitzero"`
	HostName     string `json:"hostName,omitzero"`
	DomainName   string `json:"domainName,omitzero"`
	InstanceName string `json:"instanceName,omitzero"`
	// EventType is the publisher's own classification.
	EventType string `json:"eventType,omitzero"`
	// Links lead to more, the most useful first.
	Links []Link `json:"links,omitzero"`
	// Labels classify it, for filters. Nil if there are none.
	Labels map[string]string `json:"labels,omitzero"`
	// Trace is the W3C trace context.
	Trace TraceContext `json:"trace,omitzero"`
	// OtherNotifier says that the publisher addressed it to other notifiers only.
	OtherNotifier bool `json:"other_notifier,omitzero"`
	// Unmapped says that the operator's program makes no notification of it.
	Unmapped bool `json:"unmapped,omitzero"`
	// Data is the structured payload, kept as it came.
	Data json.RawMessage `json:"data,omitzero"`
	// Headers are those of the message, for templates.
	Headers []Header `json:"-"`
	// Extra holds what has no field here, for templates, and values that
	// were not understood, like a time in words. Nil if there is nothing.
	Extra map[string]json.RawMessage `json:"extra,omitzero"`
	// Members are the notifications that this one tells of, the worst first, if
	// it is a Group. Nil if it is one.
	Members []Envelope `json:"members,omitzero"`
}

// Link is an address to read on.
type Link struct {
	// Name says what is there, like "runbook".
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Detail is a line of name and value.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// TraceContext is the W3C trace context of a notification.
type TraceContext struct {
	// Parent and State are the context of the publication: its headers
	// traceparent and tracestate, or what the event carries if there are none.
	Parent string `json:"parent,omitzero"`
	State  string `json:"state,omitzero"`
	// Origin is the traceparent with which the event began, if it carries
	// another than its publication.
	Origin string `json:"origin,omitzero"`
}

// State says whether something has begun or ended.
type State string

// The states.
const (
	Firing   State = "firing"
	Resolved State = "resolved"
)

// showable reports whether there is anything to show.
func (e *Envelope) showable() bool {
	return len(e.Details) > 0 || strings.TrimSpace(e.Subject) != "" || strings.TrimSpace(e.Message) != "" || len(e.Data) > 0
}

// keep puts a JSON value without a field of its own into Extra.
func (e *Envelope) keep(name, value string) {
	e.Extra = put(e.Extra, name, value)
}

// HasExpired reports whether it is no news any more.
func (e *Envelope) HasExpired(now time.Time) bool {
	return !e.Expiry.IsZero() && !now.Before(e.Expiry)
}

// label adds a label, unless it is empty.
func (e *Envelope) label(name, value string) {
	if name == "" || value == "" {
		return
	}
	if e.Labels == nil {
		e.Labels = make(map[string]string)
	}
	e.Labels[name] = value
}

// link adds a link, unless it is empty.
func (e *Envelope) link(name, url string) {
	if url != "" {
		e.Links = append(e.Links, Link{name, url})
	}
}
