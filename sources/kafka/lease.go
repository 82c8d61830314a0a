package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// lease is a message that the worker settles, in one piece of memory with its
// delivery.
type lease struct {
	partition *partition
	offset    int64
	size      int    // of its key and body
	seq       uint64 // given when it is handed out
	control   bool   // it is no message, but takes up an offset
	delivery  sources.Delivery
}

func newLease(p *partition, m kafka.Message) *lease {
	l := &lease{partition: p, offset: m.Offset, size: len(m.Key) + len(m.Value), control: IsControl(m)}
	if !l.control {
		l.delivery.Lend(NewMessage(p.gen.kafka.GroupID, m), l)
	}
	return l
}

// Ack notes that the message is done; a commit follows within milliseconds.
func (l *lease) Ack(durable func()) error {
	l.settle(durable)
	return nil
}

// settle notes that the message is done, and wakes who commits.
func (l *lease) settle(durable func()) {
	if l.partition.tracker.settle(l.seq, durable) {
		signal(l.partition.gen.dirty)
	}
}

// Release changes nothing at the broker: Kafka cannot take back one message.
// The partition is never committed beyond it, so whoever gets the partition
// next gets the message again.
func (l *lease) Release(time.Duration) error {
	if l.partition.tracker.release() {
		signal(l.partition.gen.dirty)
	}
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
	if err := l.partition.gen.source.deadLetters.write(ctx, &l.delivery.Message, reason); err != nil {
		return err
	}
	l.settle(nil)
	return nil
}

// Lost is closed when the partition is taken from us. What is settled within
// the drain time is committed even so.
func (l *lease) Lost() <-chan struct{} { return l.partition.gen.lost }
