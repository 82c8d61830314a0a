package record

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
)

// The formats before record batches: each message has a header of its own, and a
// message that is compressed holds others. Brokers up to Kafka 3 keep what they
// were sent.

// maxMessageSet bounds what a compressed message holds. It is read at once: only
// the last of the inner offsets tells the others.
const maxMessageSet = MaxRecord

// openMessages reads the one message of b, or those that it holds.
func (c *Codecs) openMessages(b *Batch) (*Reader, error) {
	codec := int(b.attributes) & codecMask
	if codec == codecNone {
		return &Reader{batch: b, messages: b.payload}, nil
	}
	outer, err := parseFields(b.payload, 0)
	if err != nil {
		return nil, err
	}
	in, done, err := c.inflate(codec, outer.Value, 2*maxMessageSet)
	if err != nil {
		return nil, err
	}
	if done != nil {
		defer done()
	}
	inner, err := io.ReadAll(io.LimitReader(in, maxMessageSet+1))
	if err != nil {
		return nil, corrupt(err)
	}
	if len(inner) > maxMessageSet {
		return nil, ErrTooLarge
	}
	r := &Reader{batch: b, messages: inner}
	if b.magic == 1 {
		r.base = b.Last - lastOffset(inner)
	}
	return r, nil
}

// lastOffset is that of the last message of a set.
func lastOffset(set []byte) (last int64) {
	for size := Size(set); size > 0 && size <= int64(len(set)); size = Size(set) {
		last = offset(set)
		set = set[size:]
	}
	return last
}

// nextMessage takes a message off the set.
func (r *Reader) nextMessage() (Record, error) {
	if len(r.messages) == 0 {
		return Record{}, io.EOF
	}
	_, rest, err := Split(r.messages)
	if err != nil {
		return Record{}, corrupt(err)
	}
	one := r.messages[:len(r.messages)-len(rest)]
	r.messages = rest
	if one[magicAt] > 1 || one[magicAt+1]&codecMask != codecNone {
		return Record{}, fmt.Errorf("%w: a message set within a message set", ErrCorrupt)
	}
	rec, err := parseFields(one, r.base)
	if r.batch.attributes&logAppendTime != 0 {
		rec.Time = messageTime(r.batch.payload)
	}
	return rec, err
}

// messageTime is the zero time in the oldest format, which has none.
func messageTime(raw []byte) time.Time {
	if raw[magicAt] == 0 || len(raw) < magicAt+2+8 {
		return time.Time{}
	}
	return timeOf(integer64(raw[magicAt+2:]))
}

// parseFields reads a message of either format. base is added to its offset.
func parseFields(raw []byte, base int64) (Record, error) {
	rec := Record{Offset: base + offset(raw), Time: messageTime(raw)}
	f := kbin.Reader{Src: raw[magicAt+2:]}
	if raw[magicAt] == 1 {
		f.Int64() // the time
	}
	rec.Key, rec.Value = bytes.Clone(f.NullableBytes()), bytes.Clone(f.NullableBytes())
	if !f.Ok() || len(f.Src) > 0 {
		return Record{}, fmt.Errorf("%w: a message's fields are not as long as the message", ErrCorrupt)
	}
	return rec, nil
}
