// Package reader reads one partition of a topic: what is committed, in order, of
// any log that a broker keeps, and in bounded memory.
package reader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

const (
	// retryPause comes before another try.
	retryPause = 100 * time.Millisecond
	// failuresToTell is how many failures in a row are told: after a change of
	// the leader the first ones pass by themselves.
	failuresToTell = 3
	// rangeRetries is how often an offset may be out of range before it is
	// believed: a new leader may lag for a moment.
	rangeRetries = 3
	// damageRetries is how often a batch may be damaged before it is believed.
	damageRetries = 3
)

// Item is what a partition holds at an offset.
type Item struct {
	// Record is the message; of what is not Readable, its offset alone.
	record.Record
	// Last is the last offset that the item covers.
	Last int64
	// Epoch is that of the leader that appended it; negative if unknown.
	Epoch int32
	// Empty says that there is no message up to Last: what the offsets held was
	// removed by compaction, was aborted, or ends a transaction.
	Empty bool
	// Unreadable says why a whole batch, up to Last, cannot be read.
	Unreadable error
}

// JumpError is an error of Next that says that reading goes on elsewhere.
type JumpError struct {
	From, To int64
	// Truncated says that the log lost what had been read. Else what had not been
	// read was removed.
	Truncated bool
}

func (j *JumpError) Error() string {
	return fmt.Sprintf("offset %d does not exist, going on at %d", j.From, j.To)
}

// ErrRecreated says that the topic was deleted and created again.
var ErrRecreated = errors.New("the topic was deleted and created again")

// ErrIdle says that there is nothing to read yet.
var ErrIdle = errors.New("nothing to read")

// Reader reads one partition from its leader.
type Reader struct {
	client    *client.Client
	memory    *Memory
	topic     client.Topic
	partition int
	fetchMax  int32

	offset int64 // of what follows
	told   int64 // up to where items went out
	epoch  int32 // of what was read last
	ends   Ends
	page   *page
	large  int64 // how many bytes the next fetch needs if it is large

	lost     bool // the leader is unknown
	failures int  // in a row
	misses   int  // of the offset, in a row
	damaged  int  // batches in a row
}

// Ends is where a log ends, as the leader told with the last fetch.
type Ends struct {
	// Stable is behind the last record of which it is decided that it counts.
	Stable int64
	// High is behind the last record. If it is beyond Stable, a transaction is open.
	High int64
}

// New reads a partition from offset on; before it the leader's epoch was epoch, or
// is unknown (-1). The topic is as it is now. readers is how many there are for
// memory.
func New(c *client.Client, m *Memory, readers int, topic client.Topic, partition int, offset int64, epoch int32) *Reader {
	part := min(max(fetchShare/max(readers, 1), minFetch), maxFetch)
	return &Reader{
		client: c, memory: m, topic: topic, partition: partition, fetchMax: int32(part),
		offset: offset, told: offset, epoch: epoch, ends: Ends{Stable: -1, High: -1},
	}
}

// Offset is that of what follows.
func (r *Reader) Offset() int64 { return r.offset }

// Ends is negative if it is not known yet.
func (r *Reader) Ends() Ends { return r.ends }

// Next waits for what follows, for a moment. After an error it can be called
// again: after ErrIdle and a *JumpError, which has been done, reading goes on; all others
// but ErrRecreated are tried again.
func (r *Reader) Next(ctx context.Context) (Item, error) {
	for ctx.Err() == nil {
		item, ok, err := r.step(ctx)
		if err == nil && !ok {
			continue
		}
		if err == nil || errors.Is(err, ErrIdle) {
			r.failures = 0
			return item, err
		}
		if _, jumped := errors.AsType[*JumpError](err); jumped || errors.Is(err, ErrRecreated) {
			return item, err
		}
		r.Yield()
		r.lost = true
		backoff.Wait(ctx, retryPause)
		if r.failures++; r.failures >= failuresToTell {
			return item, err
		}
	}
	return Item{}, ctx.Err()
}

// step fetches, or takes one thing from what was fetched; ok if that is an item.
func (r *Reader) step(ctx context.Context) (item Item, ok bool, err error) {
	if r.page == nil {
		return r.fetch(ctx)
	}
	rec, err := r.page.next(ctx, r.offset)
	switch {
	case err == nil:
		r.damaged = 0
		item, ok = r.advance(rec, rec.Offset), true
	case errors.Is(err, errBatchEnd):
		r.epoch = r.page.batch.LeaderEpoch
		r.skip(r.page.batch.Last)
		err = nil
	case errors.Is(err, io.EOF):
		r.Yield()
		err = nil
		if ok = r.told < r.offset; ok {
			item = r.advance(record.Record{Offset: r.offset - 1}, r.offset-1)
			item.Empty = true
		}
	case errors.Is(err, record.ErrCorrupt), errors.Is(err, record.ErrTooLarge), errors.Is(err, errRefused):
		return r.unreadable(err)
	}
	return item, ok, err
}

// advance notes that everything up to last goes out.
func (r *Reader) advance(rec record.Record, last int64) Item {
	if r.page != nil {
		r.epoch = r.page.batch.LeaderEpoch
	}
	r.skip(last)
	r.told = r.offset
	return Item{Record: rec, Last: last, Epoch: r.epoch}
}

// skip goes behind last.
func (r *Reader) skip(last int64) { r.offset = max(r.offset, last+1) }

// unreadable goes behind a batch that cannot be read, if it is so every time.
func (r *Reader) unreadable(cause error) (item Item, ok bool, err error) {
	batch := r.page.batch
	if r.damaged++; r.damaged < damageRetries && errors.Is(cause, record.ErrCorrupt) || batch.Last < r.offset {
		return item, false, fmt.Errorf("read offset %d: %w", r.offset, cause)
	}
	r.damaged = 0
	from := r.offset
	item = r.advance(record.Record{Offset: from}, batch.Last)
	item.Unreadable = fmt.Errorf("offsets %d to %d: %w", from, batch.Last, cause)
	return item, true, nil
}

// Contended reports that another reader waits for memory that this one holds.
func (r *Reader) Contended() bool { return r.page != nil && r.page.contended() }

// Yield gives memory back. What was fetched and not read is fetched again.
func (r *Reader) Yield() {
	if r.page != nil {
		r.page.close()
		r.page = nil
	}
}

// Close ends the reader.
func (r *Reader) Close() { r.Yield() }

// seek makes a number of a place. There is nothing before it, which is told at once: the
// group is to know where it is, also where there is nothing to read yet.
func (r *Reader) seek(ctx context.Context) (item Item, ok bool, err error) {
	offset, err := r.client.Offset(ctx, r.topic, r.partition, client.Position(r.offset))
	if err != nil {
		return item, false, err
	}
	r.offset, r.told = offset, offset
	return Item{Record: record.Record{Offset: offset - 1}, Last: offset - 1, Epoch: r.epoch, Empty: true}, true, nil
}

// locate asks who leads the partition, and whether the topic is still the same.
func (r *Reader) locate(ctx context.Context) error {
	topics, err := r.client.Topics(ctx, r.topic.Name)
	if err != nil {
		return err
	}
	topic := topics[r.topic.Name]
	switch {
	case topic.Err != nil:
		return topic.Err
	case topic.ID != r.topic.ID:
		return ErrRecreated
	}
	leader, ok := topic.Leaders[r.partition]
	if !ok || leader < 0 {
		return kafka.LeaderNotAvailable
	}
	r.topic, r.lost = topic, false
	return nil
}
