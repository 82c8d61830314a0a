package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Plan is all that a simulation decides: what there is, what is published, and what
// goes wrong when. A failing plan that has been made smaller is a regression test.
type Plan struct {
	Seed          uint64         `json:"seed"` // of the delays and of all randomness in the program
	Workers       int            `json:"workers"`
	InFlight      int            `json:"in_flight"`
	Bytes         int            `json:"bytes,omitempty"` // that may be pending; 0: no bound
	Group         int            `json:"group,omitempty"` // notifications of one message that are shown together; 0: never
	Digest        Digest         `json:"digest,omitzero"`
	MaxAge        Duration       `json:"max_age,omitempty"`     // of what is shown, by the brokers' clocks; 0: any
	Resolved      string         `json:"resolved,omitempty"`    // how the end of something is shown, as RESOLVED says
	EditWithin    int            `json:"edit_within,omitempty"` // messages, as EDIT_WITHIN says
	Room          Room           `json:"room"`
	Brokers       []Broker       `json:"brokers"`
	Notifications []Notification `json:"notifications"`
	Steps         []Step         `json:"steps,omitempty"`
}

// Room is the habits of the chat server.
type Room struct {
	Server  string `json:"server"`            // a profile of sinktest
	History int    `json:"history"`           // messages that the room remembers
	Keeps   bool   `json:"keeps,omitempty"`   // over a restart
	Archive bool   `json:"archive,omitempty"` // of all messages (XEP-0313)
	Answers string `json:"answers,omitempty"` // what the archive does instead of answering: refuse, ignore, delay
	Stores  bool   `json:"stores,omitempty"`  // history and archive have what it swallows, too
	Direct  bool   `json:"direct,omitempty"`  // TLS from the first byte
}

// Digest says when notifications are shown together. Zero: never.
type Digest struct {
	After string   `json:"after"`
	Every Duration `json:"every"`
	Max   int      `json:"max"`
}

// Broker is one source of notifications.
type Broker struct {
	Kind       string   `json:"kind"` // jetstream or kafka
	Wait       Duration `json:"wait"` // ack wait, or session timeout
	Partitions int      `json:"partitions,omitempty"`
	SlowAcks   Duration `json:"slow_acks,omitempty"` // how long acknowledgements may take
	Ahead      Duration `json:"ahead,omitempty"`     // by how much its clock differs
}

// Notification is one message in a broker.
type Notification struct {
	At        Duration `json:"at"`
	Number    int      `json:"number"`          // who publishes a number twice publishes an id twice
	Parts     int      `json:"parts,omitempty"` // notifications in the message, with the numbers that follow; 0: one
	Broker    int      `json:"broker,omitempty"`
	Partition int      `json:"partition,omitempty"`
	Text      int      `json:"text"`               // many have the same
	ID        bool     `json:"id,omitempty"`       // the publisher gave it one
	Resolves  *int     `json:"resolves,omitempty"` // the number of the one whose end it tells
	Urgent    bool     `json:"urgent,omitempty"`   // too bad to wait for a digest
	Malformed bool     `json:"malformed,omitempty"`
	Length    int      `json:"length,omitempty"` // of the rest of the text, in bytes
}

// Step is something that happens.
type Step struct {
	At     Duration `json:"at"`
	Do     string   `json:"do"`
	Worker int      `json:"worker,omitempty"`
	Broker int      `json:"broker,omitempty"`
	For    Duration `json:"for,omitempty"` // until it is mended
	N      int      `json:"n,omitempty"`
	A      bool     `json:"a,omitempty"` // what else there is to decide
	B      bool     `json:"b,omitempty"`
}

// Duration is written as people write it.
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

func (d Duration) String() string { return time.Duration(d).String() }

// ordered reports whether the notifications of a broker, or of each of its
// partitions, must be shown in their order. One that has no partitions may deliver in
// another order. Where the room always asks one notification to wait, those beside it may
// overtake each other (docs/decisions/0005-pace-and-poison.md).
func (p *Plan) ordered(broker int) bool {
	if p.has("always-wait") {
		return false
	}
	kafka := p.Brokers[broker].Kind == "kafka"
	if !kafka && p.Workers > 1 {
		return false
	}
	return kafka || !slices.ContainsFunc(p.Steps, func(s Step) bool { return faults()[s.Do].reorders })
}

func (p *Plan) has(fault string) bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Do == fault })
}

// String names the plan in one line.
func (p *Plan) String() string {
	return fmt.Sprintf("seed %d: %d workers, %d brokers, %d notifications, %d steps", p.Seed, p.Workers, len(p.Brokers), len(p.Notifications), len(p.Steps))
}

// mostPending is how many messages of a broker a worker may hold, as it promises: twice as
// many as in flight, and eight digests.
func (p *Plan) mostPending() int { return 2*p.InFlight + 8*p.Digest.Max }

// together reports whether one message may show several notifications of different messages.
func (p *Plan) together() bool { return p.Digest != (Digest{}) || p.MaxAge > 0 }

// forGood reports whether something that goes wrong is never mended.
func (p *Plan) forGood() bool {
	return p.sticks() || slices.ContainsFunc(p.Steps, func(s Step) bool { return faults()[s.Do].forGood })
}

// sticks reports whether the dead letters of a broker are never written.
func (p *Plan) sticks() bool { return slices.ContainsFunc(p.Steps, p.isStuck) }

func (p *Plan) isStuck(s Step) bool { return s.Do == "dead-letters-fail" && s.A && len(p.Brokers) > 1 }

// numbers are those of the notifications in the message.
func (n Notification) numbers() []int {
	list := make([]int, max(1, n.Parts))
	for i := range list {
		list[i] = n.Number + i
	}
	return list
}

// severity is the member that says how bad it is, with a comma behind it.
func (n Notification) severity() string {
	if n.Urgent {
		return fmt.Sprintf(`"severity":%q,`, urgent)
	}
	return ""
}

// end is the members that say what it is the end of, with a comma behind them.
func (n Notification) end() string {
	if n.Resolves == nil {
		return ""
	}
	return fmt.Sprintf(`"state":"resolved","follows":"n%d",`, *n.Resolves)
}

// urgent is the severity from which on a notification does not wait for a digest.
const urgent = "critical"

// subject is the first line of what people see.
func (n Notification) subject() string {
	if n.Parts > 1 {
		return textOf(n.Text) + " again"
	}
	return textOf(n.Text)
}

// look tells notifications apart that people can tell apart. An end does not say how bad
// it was.
func (n Notification) look() string {
	return fmt.Sprint(n.subject(), n.ID, n.Length, n.Urgent && n.Resolves == nil, n.Resolves != nil)
}

func textOf(n int) string { return fmt.Sprintf("R&D: disk <db-%d> is almost full", n) }

// rest is the text behind the first line.
func (n Notification) rest() string { return strings.Repeat("x", n.Length) }

// body is the message as its publisher wrote it. A notification carries its number
// where the worker neither shows nor compares it: in the nanoseconds of its time.
func (n Notification) body() string {
	if n.Malformed {
		return `{"subject":`
	}
	var parts []string
	for _, number := range n.numbers() {
		parts = append(parts, n.part(number))
	}
	if n.Parts > 1 {
		return "[" + strings.Join(parts, ",") + "]"
	}
	return parts[0]
}

// numberOf is the number in the time of a notification.
func numberOf(t time.Time) int { return t.Nanosecond() - 1 }

// part is one notification. Those with an id are CloudEvents if there are several.
func (n Notification) part(number int) string {
	at := time.Unix(1774789500, int64(number)+1).UTC().Format(time.RFC3339Nano)
	switch {
	case n.ID && n.Parts > 1:
		return fmt.Sprintf(`{"specversion":"1.0","type":"sim","id":"n%d","source":"sim","subject":%q,"data":{%s"message":%q},"time":%q}`, number, n.subject(), n.severity(), n.rest(), at)
	case n.ID:
		return fmt.Sprintf(`{"id":"n%d","source":"sim",%s%s"subject":%q,"message":%q,"time":%q}`, number, n.end(), n.severity(), n.subject(), n.rest(), at)
	default:
		return fmt.Sprintf(`{%s"subject":%q,"message":%q,"time":%q}`, n.severity(), n.subject(), n.rest(), at)
	}
}
