// Package sources is the contract between a broker and the worker: a Source
// hands over deliveries in batches, and each is settled exactly once,
// acknowledged, released or rejected.
//
// There is one package per broker below this one. A new source implements
// Source and Settler and must pass the conformance suite in sourcetest.
package sources

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// Source receives notifications from one broker.
//
// Receive, Stop and Close are called by one goroutine; deliveries are settled
// from others, also while Receive blocks.
type Source interface {
	// Receive blocks until at least one delivery is there, and returns no more
	// than the limit, in the broker's order (Kafka: per partition). The backlog
	// stays in the broker: no more is read ahead than keeps the source busy
	// (Kafka: 64 messages or 1 MB, and one more, of a partition).
	//
	// When ctx ends it returns ctx's error and no deliveries; what has arrived
	// is for the next call. Any other error is temporary: the caller waits and
	// calls again, and the source has by then recovered or returns the error
	// anew. A source reconnects and rebinds by itself.
	//
	// From here to its settlement the source keeps a delivery leased, for
	// hours if need be, so that a room outage neither redelivers nor evicts.
	Receive(ctx context.Context, limit Limit) ([]*Delivery, error)

	// Stop says that Receive is not called again. What has arrived and was not
	// handed over, and what still arrives, is released to other workers (Kafka: when
	// Close leaves the group). Deliveries are kept until they are settled or
	// Close is called. Stop does not block, and a second call does nothing.
	Stop()

	// Close stops, releases everything unsettled to the broker, makes settled
	// work durable (Kafka: final commit), and disconnects. It returns by the
	// deadline of ctx. Settling after Close is harmless.
	Close(ctx context.Context) error

	// String names the source in logs, like "nats:NOTIFY" or "kafka:alerts".
	String() string
}

// Limit bounds what one call of Receive returns.
type Limit struct {
	// Messages is how many; less than 1 means 1.
	Messages int
	// Bytes is how large they may be in all, as Message.Size counts them. The
	// first message is returned whatever its size. 0: no bound.
	Bytes int
}

// Fits reports whether a message of size bytes fits behind those that were taken:
// so many, with so many bytes.
func (l Limit) Fits(messages, bytes, size int) bool {
	return messages == 0 || messages < l.Messages && (l.Bytes == 0 || bytes+size <= l.Bytes)
}

// Take takes from the front of a queue what the limit lets.
func Take[T any](l Limit, queue *[]T, size func(T) int) []T {
	n, bytes := 0, 0
	for ; n < len(*queue); n++ {
		next := size((*queue)[n])
		if !l.Fits(n, bytes, next) {
			break
		}
		bytes += next
	}
	taken := slices.Clone((*queue)[:n])
	clear((*queue)[:n]) // the queue's memory lives on
	*queue = (*queue)[n:]
	return taken
}

// Settler is the source's half of a delivery. Delivery calls at most one of
// the verbs with success, so an implementation need not guard against two.
type Settler interface {
	// Ack says the room has it. It does not block on the broker: it marks,
	// or writes to a buffer. It may be called from any goroutine.
	//
	// durable is called once, from any goroutine, when a crash of the worker
	// would no longer bring the delivery back (Kafka: the offset is
	// committed), or when the delivery is lost or the source closed. It does
	// not block. If Ack returns an error it is not called.
	Ack(durable func()) error
	// Release lets the broker deliver the message again, after delay
	// where the broker can do that (Kafka cannot: there it is a no-op, the
	// committed offset just never passes it).
	Release(delay time.Duration) error
	// Reject writes a dead letter, waits until the broker has confirmed it,
	// and only then acknowledges. On error nothing is acknowledged and the
	// caller may call again, or release: what is lost is left to its next owner,
	// and to reject it is an error.
	Reject(ctx context.Context, reason Reason) error
	// Lost is closed when the broker gives the delivery to somebody else
	// (Kafka: the partition is revoked). What has not been sent to the room by
	// then is to be released at once: the next owner waits for it. What has been
	// sent may still be acknowledged: for a short while, within which the source
	// waits for it, that counts. Nil means never.
	Lost() <-chan struct{}
}

// Message is a notification and its place in the broker.
type Message struct {
	envelope.Raw
	// Broker is "nats", "nats-core" or "kafka".
	Broker string
	// Topic is the Kafka topic or NATS subject.
	Topic string
	// Stream and Consumer name the JetStream stream and durable, Group the
	// Kafka consumer group. Empty where they do not apply.
	Stream, Consumer, Group string
	// Partition is the Kafka partition; 0 on NATS.
	Partition int
	// Offset is the Kafka offset or the JetStream stream sequence. In a broker
	// without either it counts what the source has received.
	Offset uint64
	// Attempt counts deliveries from 1, as far as the broker tells.
	Attempt int
	// Time is the broker's timestamp of the message. It is the same at every
	// redelivery.
	Time time.Time
	// Key is the Kafka record key.
	Key []byte
	// Serial tells the message from every other one, in a broker that knows
	// no places and delivers once at most. Elsewhere it is empty.
	Serial string

	origin string // the identity that it had before it was replayed, or ""
}

// HeaderOverhead is what a header takes in memory beside its text: two strings,
// and the broker's client keeps it in a map.
const HeaderOverhead = 64

// Size is what the message takes in memory: its body, key and headers.
func (m *Message) Size() int {
	size := len(m.Body) + len(m.Key)
	for _, h := range m.Header {
		size += len(h.Key) + len(h.Value) + HeaderOverhead
	}
	return size
}

// Place says where the message lies, for logs and errors.
func (m *Message) Place() string {
	if m.Broker == "kafka" {
		return fmt.Sprintf("kafka %s[%d]@%d", m.Topic, m.Partition, m.Offset)
	}
	if m.Stream == "" {
		return fmt.Sprintf("%s %s #%d", m.Broker, m.Topic, m.Offset)
	}
	return fmt.Sprintf("nats %s %s@%d", m.Topic, m.Stream, m.Offset)
}

// Log names what the message lies in, where offsets rise: a partition or a stream. It
// is empty where the broker keeps nothing.
func (m *Message) Log() string {
	if m.Broker == "kafka" {
		return fmt.Sprintf("%s[%d]", m.Topic, m.Partition)
	}
	return m.Stream
}

// identity of the place: equal for every redelivery of the message and
// different from every other. The timestamp tells a recreated topic or stream,
// whose offsets begin anew, from the old one.
func (m *Message) identity() string {
	if m.origin != "" {
		return m.origin
	}
	if m.Serial != "" {
		return join("serial", m.Broker, m.Serial)
	}
	return join("place", m.Broker, m.Stream, m.Topic, strconv.Itoa(m.Partition),
		strconv.FormatUint(m.Offset, 10), strconv.FormatInt(m.Time.UnixNano(), 10))
}

// join is injective: every part carries its length.
func join(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Itoa(len(p)))
		b.WriteByte(':')
		b.WriteString(p)
	}
	return b.String()
}
