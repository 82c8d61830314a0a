package reader

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

const (
	// maxWait is how long a broker holds a fetch when there is nothing new.
	maxWait = 500 // milliseconds
	// idVersion is the first in which a fetch names its topic by id, so that
	// nothing is read of another topic of the same name.
	idVersion     = 13
	readCommitted = 1
	// answerOverhead is what an answer has beside the log, like the list of
	// aborted transactions.
	answerOverhead = 64 << 10
	// maxThrottle bounds the pause that a broker asks for: its quotas are counted over
	// ten seconds by default.
	maxThrottle = 30 * time.Second
)

// fetch finds the leader and the place to begin at, if they are not known, and goes on
// with a page.
func (r *Reader) fetch(ctx context.Context) (item Item, ok bool, err error) {
	if r.lost {
		if err := r.locate(ctx); err != nil {
			return item, false, err
		}
	}
	if r.offset < 0 {
		return r.seek(ctx)
	}
	return item, false, r.fetchPage(ctx)
}

// fetchPage asks the leader for what follows, and waits for a moment if there is
// nothing.
func (r *Reader) fetchPage(ctx context.Context) error {
	limit, release := int64(r.fetchMax)+answerOverhead, (func())(nil)
	if r.large > limit {
		var err error
		if release, err = r.memory.acquireLarge(ctx, r.large); err != nil {
			return err
		}
		limit = r.large
	}
	answer, err := r.ask(ctx, limit)
	if err == nil {
		err = r.check(ctx, answer)
	}
	if err == nil && len(answer.RecordBatches) > 0 {
		r.page = newPage(r.memory, answer, release)
		return r.fitFirst(answer.RecordBatches)
	}
	if release != nil {
		release()
	}
	if throttled, ok := errors.AsType[*throttledError](err); ok {
		backoff.Wait(ctx, throttled.pause)
		return err
	}
	r.large = 0
	if err == nil {
		return ErrIdle
	}
	if tooLarge, ok := errors.AsType[*client.TooLargeError](err); ok {
		return r.needLarge(tooLarge.Size, logOf(tooLarge))
	}
	return err
}

// needLarge has the next fetch wait for memory for the batch that begins with head.
func (r *Reader) needLarge(size int64, head []byte) error {
	if size > int64(r.memory.batch) {
		return r.refuse(size, head)
	}
	r.large = size
	return nil
}

// fitFirst looks whether the first batch is there as a whole, which brokers of
// the last years see to.
func (r *Reader) fitFirst(raw []byte) error {
	r.large = 0
	size := record.Size(raw)
	if size <= int64(len(raw)) {
		if size > int64(r.fetchMax) { // the next one is likely as large
			r.large = size + answerOverhead
		}
		return nil
	}
	r.Yield()
	if size+answerOverhead <= int64(r.memory.batch) {
		r.fetchMax = int32(size) //nolint:gosec // at most maxBatch
	}
	return r.needLarge(size+answerOverhead, raw)
}

// ask makes one fetch.
func (r *Reader) ask(ctx context.Context, limit int64) (*kmsg.FetchResponseTopicPartition, error) {
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(r.partition), r.offset, r.fetchMax //nolint:gosec // a partition
	p.LastFetchedEpoch = r.epoch
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID, topic.Partitions = r.topic.Name, r.topic.ID, []kmsg.FetchRequestTopicPartition{p}
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis, request.MinBytes, request.MaxBytes = maxWait, 1, r.fetchMax
	request.IsolationLevel, request.Topics = readCommitted, []kmsg.FetchRequestTopic{topic}
	newest := int16(idVersion)
	if r.topic.ID == (client.TopicID{}) {
		newest--
	}
	response, err := r.client.RequestWithin(ctx, r.topic.Leaders[r.partition], newest, request, limit)
	if err != nil {
		return nil, err
	}
	fetched := response.(*kmsg.FetchResponse)
	if fetched.ErrorCode != 0 {
		return nil, kafka.Error(fetched.ErrorCode)
	}
	if fetched.ThrottleMillis > 0 && len(fetched.Topics) == 0 {
		return nil, &throttledError{min(time.Duration(fetched.ThrottleMillis)*time.Millisecond, maxThrottle)}
	}
	for _, t := range fetched.Topics {
		for i := range t.Partitions {
			if int(t.Partitions[i].Partition) == r.partition {
				return &t.Partitions[i], nil
			}
		}
	}
	return nil, kafka.UnknownTopicOrPartition
}

// throttledError is an answer without content: the client has used up its quota, and
// is to ask again after a pause.
type throttledError struct{ pause time.Duration }

func (*throttledError) Error() string {
	return "the broker throttles this client: raise its quota (consumer_byte_rate, request_percentage)"
}

// The codes of the wire that the library has no names for.
const (
	unknownTopicID      = 100
	inconsistentTopicID = 103
)

// check looks at what an answer says beside the log.
func (r *Reader) check(ctx context.Context, answer *kmsg.FetchResponseTopicPartition) error {
	switch code := kafka.Error(answer.ErrorCode); code {
	case 0:
	case kafka.OffsetOutOfRange:
		return r.outOfRange(ctx)
	case unknownTopicID, inconsistentTopicID:
		if err := r.locate(ctx); err != nil {
			return err
		}
		return code // the leader has yet to hear of it
	default:
		return code
	}
	r.misses = 0
	r.ends = Ends{Stable: answer.HighWatermark, High: answer.HighWatermark}
	if answer.LastStableOffset >= 0 {
		r.ends.Stable = answer.LastStableOffset
	}
	if at := answer.DivergingEpoch.EndOffset; at >= 0 && at < r.offset {
		return r.jump(at, true)
	}
	return nil
}

// outOfRange finds out what is left of the log.
func (r *Reader) outOfRange(ctx context.Context) error {
	if r.epoch >= 0 { // it may just be too old for the broker to compare
		r.epoch = -1
		return nil
	}
	start, err := r.client.Offset(ctx, r.topic, r.partition, client.Start)
	switch {
	case err != nil:
		return err
	case r.offset < start:
		return r.jump(start, false)
	}
	if r.misses++; r.misses < rangeRetries {
		return kafka.OffsetOutOfRange
	}
	return r.jump(start, true)
}

// jump goes on at another offset.
func (r *Reader) jump(to int64, truncated bool) error {
	j := &JumpError{From: r.offset, To: to, Truncated: truncated}
	r.offset, r.told, r.epoch, r.misses = to, to, -1, 0
	return j
}
