package kafka

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
)

const (
	// spanLimit bounds the messages that are pending or not yet committed:
	// the most that a crash can repeat of one partition. It is what is read
	// while two commits go their way, 6 ms each on Kafka 4, which gathers them.
	spanLimit = 4096
	// rangeRetries is how often an offset may be out of range before it is
	// believed: a new leader may lag for a moment.
	rangeRetries = 3
)

// partition reads one assigned partition. Its messages wait in the queue until
// Receive takes them; only then are they tracked.
type partition struct {
	gen     *generation
	topic   string
	id      int
	start   int64
	queue   *queue
	taken   []*lease // take's, to use again
	tracker *tracker
	failing bool // the last fetch failed

	end, next atomic.Int64 // behind the last message there is, and the last one handed out; negative if unknown
}

func newPartition(g *generation, topic string, a kafka.PartitionAssignment) *partition {
	p := &partition{
		gen: g, topic: topic, id: a.ID, start: a.Offset,
		queue: newQueue(), tracker: newTracker(spanLimit),
	}
	p.end.Store(-1)
	p.next.Store(a.Offset)
	return p
}

// take hands out what is ready, at most limit, and appends it to batch. It skips
// what is no message, and is not called concurrently.
func (p *partition) take(batch []*sources.Delivery, limit int, fits func(size int) bool) []*sources.Delivery {
	p.taken = p.queue.take(p.taken[:0], min(limit, p.tracker.room()), fits)
	p.tracker.add(p.taken)
	batch = slices.Grow(batch, len(p.taken))
	for _, l := range p.taken {
		p.next.Store(l.offset + 1)
		if l.control {
			l.settle(nil)
			continue
		}
		batch = append(batch, &l.delivery)
	}
	clear(p.taken)
	return batch
}

// fetch reads the partition until ctx ends.
func (p *partition) fetch(ctx context.Context) {
	offset, ok := p.begin(ctx)
	if !ok {
		return
	}
	r := reader.New(ctx, p.gen.source.client, p.topic, p.id, offset)
	defer r.Close()
	misses := 0
	for {
		conn, want := r.Connection(), r.Offset()
		m, err := r.Next(ctx)
		if ctx.Err() != nil {
			return
		}
		p.note(err)
		if err != nil {
			misses = p.miss(r, err, misses)
			client.Pause(ctx, commitRetry)
			continue
		}
		misses = 0
		if conn != r.Connection() { // retention may have removed what we wanted
			p.noteGap(want, m.Offset)
			p.next.CompareAndSwap(kafka.FirstOffset, m.Offset)
		}
		p.end.Store(m.HighWaterMark)
		p.queue.put(ctx, newLease(p, m), p.gen.source.notify)
	}
}

// miss counts how often in a row the offset has been out of range, and has the
// reader begin anew when that is to be believed.
func (p *partition) miss(r *reader.Reader, err error, misses int) int {
	switch {
	case !errors.Is(err, kafka.OffsetOutOfRange):
		return 0
	case misses+1 < rangeRetries:
		return misses + 1
	}
	p.gen.source.log.Error("kafka offset does not exist: reading from the earliest message",
		"topic", p.topic, "partition", p.id, "offset", r.Offset())
	r.GoTo(kafka.FirstOffset)
	return 0
}

// begin returns the offset to read from. "Latest" is made a number once, and
// committed at once, so that a restart does not skip what came meanwhile.
func (p *partition) begin(ctx context.Context) (int64, bool) {
	for p.start == kafka.LastOffset {
		end, err := p.gen.source.client.End(ctx, p.topic, p.id)
		p.note(err)
		if err == nil {
			p.start = end
			p.next.Store(end)
			l := &lease{partition: p, offset: end - 1}
			p.tracker.add([]*lease{l})
			l.settle(nil)
		} else if !client.Pause(ctx, commitRetry) {
			return 0, false
		}
	}
	return p.start, true
}

// note logs when fetches begin to fail and when they work again.
func (p *partition) note(err error) {
	if failed := err != nil; failed != p.failing {
		p.failing = failed
		log := p.gen.source.log.With("topic", p.topic, "partition", p.id)
		if failed {
			log.Warn("kafka fetch failed", "error", p.gen.source.client.Explain(err))
		} else {
			log.Info("kafka fetch succeeded again")
		}
	}
}

// noteGap tells when the log no longer has the messages that we would have
// read first: retention or compaction removed them.
func (p *partition) noteGap(want, got int64) {
	if want >= 0 && got > want {
		p.gen.source.log.Warn("kafka messages were removed before they were read",
			"topic", p.topic, "partition", p.id, "from", want, "to", got-1)
	}
}

// IsControl recognises the marker at the end of a transaction, which the
// library delivers as if it were a message.
func IsControl(m kafka.Message) bool {
	return len(m.Headers) == 0 && len(m.Value) == 6 && len(m.Key) == 4 && m.Key[3] <= 1 &&
		bytes.Equal(m.Key[:3], []byte{0, 0, 0}) && bytes.Equal(m.Value[:2], []byte{0, 0})
}

// NewMessage is what the worker gets of a message.
func NewMessage(group string, m kafka.Message) sources.Message {
	headers := make([]envelope.Header, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = envelope.Header{Key: h.Key, Value: string(h.Value)}
	}
	return sources.Message{
		Raw:    envelope.Raw{Header: headers, Body: m.Value},
		Broker: "kafka", Topic: m.Topic, Group: group, Partition: m.Partition,
		Offset:  uint64(m.Offset), //nolint:gosec // offsets are not negative
		Attempt: 1, Time: m.Time, Key: m.Key,
	}
}
