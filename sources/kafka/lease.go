package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

// lease is a message that the worker settles, in one piece of memory with its
// delivery.
type lease struct {
	partition *partition
	size      int    // as the worker counts it
	seq       uint64 // in the tracker, given when it is handed out
	cut       int64  // the size of what is not here; negative if all is
	headers   []record.Header
	delivery  *sources.Delivery
	readable  sources.Delivery
}

func newLease(p *partition, item *reader.Item) *lease {
	l := &lease{partition: p, cut: -1, headers: item.Headers}
	m := NewMessage(p.gen.group, p.topic, p.id, &item.Record)
	l.size = m.Size()
	switch {
	case item.Unreadable != nil:
		l.cut = 0
		l.delivery = sources.NewUndecoded(m, l, fmt.Errorf("the log is not readable: %w", item.Unreadable))
	case item.Oversize > 0:
		l.cut = item.Oversize
		l.delivery = sources.NewUndecoded(m, l, fmt.Errorf("a message of %d bytes: more than %d bytes or %d headers are not held", item.Oversize, record.MaxRecord, record.MaxHeaders))
	default:
		l.readable.Init(m, l)
		l.delivery = &l.readable
	}
	return l
}

// NewMessage is what the worker gets of a record.
func NewMessage(group, topic string, partition int, r *record.Record) sources.Message {
	headers := make([]envelope.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = envelope.Header{Key: h.Key, Value: string(h.Value)}
	}
	return sources.Message{
		Raw:    envelope.Raw{Header: headers, Body: r.Value},
		Broker: "kafka", Topic: topic, Group: group, Partition: partition,
		Offset:  uint64(r.Offset), //nolint:gosec // offsets are not negative
		Attempt: 1, Time: r.Time, Key: r.Key,
	}
}

// Ack notes that the message is done; a commit follows within milliseconds.
func (l *lease) Ack(durable func()) error {
	l.partition.tracker.settle(l.seq, durable)
	return nil
}

// Release changes nothing at the broker: Kafka cannot take back one message.
// The partition is never committed beyond it, so whoever gets the partition
// next gets the message again.
func (l *lease) Release(time.Duration) error {
	l.partition.tracker.release()
	return nil
}

// errLost says that a message will have another owner.
var errLost = errors.New("its partition is being released, its next owner gets it")

// Reject writes a dead letter and then acknowledges. A message that is lost is
// left to its new owner, and is still to be released.
func (l *lease) Reject(ctx context.Context, reason sources.Reason) error {
	select {
	case <-l.Lost():
		return fmt.Errorf("reject %s: %w", l.delivery.Place(), errLost)
	default:
	}
	if err := writeDeadLetter(ctx, l.partition.gen.source.client, l, reason); err != nil {
		return err
	}
	l.partition.tracker.settle(l.seq, nil)
	return nil
}

// Lost is closed when the partition is taken from us. What is settled within
// the drain time is committed even so.
func (l *lease) Lost() <-chan struct{} { return l.partition.gen.lost }
