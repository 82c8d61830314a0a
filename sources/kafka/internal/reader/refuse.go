package reader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

// errRefused says that a batch is larger than any that is read.
var errRefused = errors.New("it is too large to be read")

// refuse goes behind a batch that is not read, if its head tells where it ends.
func (r *Reader) refuse(size int64, head []byte) error {
	err := fmt.Errorf("%w: a batch of %d bytes, no more than %d are read at once: raise MEMORY_LIMIT, or publish smaller batches", errRefused, size, r.memory.batch)
	batch, ok := record.Head(head)
	if !ok || batch.Last < r.offset {
		return fmt.Errorf("offset %d: %w", r.offset, err)
	}
	r.page = &page{memory: r.memory, batch: batch, refused: err}
	return nil
}

// The versions of the answer to a fetch in which something changed.
const (
	fetchStable   = 4 // the end of what is decided, and what was aborted
	fetchStart    = 5
	fetchSession  = 7
	fetchReplica  = 11
	fetchFlexible = 12
	fetchID       = 13
)

// logOf finds the log in the beginning of an answer to a fetch of one partition;
// nil if that is too short, or too old.
func logOf(answer *client.TooLargeError) []byte {
	version := answer.Version
	if version < fetchStable {
		return nil
	}
	c := cursor{raw: answer.Head, flexible: version >= fetchFlexible}
	c.tags()
	c.skip(4) // for how long we are throttled
	if version >= fetchSession {
		c.skip(2 + 4)
	}
	c.length(4) // topics
	if version >= fetchID {
		c.skip(len(client.TopicID{}))
	} else {
		c.skip(c.length(2))
	}
	c.length(4)           // partitions
	c.skip(4 + 2 + 8 + 8) // which, error, and ends
	if version >= fetchStart {
		c.skip(8)
	}
	for n := c.length(4); n > 0 && len(c.raw) > 0; n-- { // aborted transactions
		c.skip(8 + 8)
		c.tags()
	}
	if version >= fetchReplica {
		c.skip(4)
	}
	c.length(4) // bytes of the log
	return c.raw
}

// cursor reads the parts of an answer, which may end early.
type cursor struct {
	raw      []byte
	flexible bool
}

func (c *cursor) skip(n int) { c.raw = c.raw[min(max(n, 0), len(c.raw)):] }

// tags skips what newer brokers may add. We know of none here.
func (c *cursor) tags() {
	if c.flexible {
		c.skip(1)
	}
}

// length is a number of bytes or of parts, which is written in size bytes or, in a
// flexible answer, in as few as it needs; 0 if there is nothing.
func (c *cursor) length(size int) int {
	var part [4]byte
	if c.flexible {
		number, read := binary.Uvarint(c.raw)
		c.skip(read)
		return int(min(max(number, 1), math.MaxInt32)) - 1
	}
	copy(part[len(part)-size:], c.raw)
	c.skip(size)
	return max(int(int32(binary.BigEndian.Uint32(part[:]))), 0) //nolint:gosec // signed on the wire
}
