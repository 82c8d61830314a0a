package reader

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"

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
	flexible := version >= fetchFlexible
	f := kbin.Reader{Src: answer.Head}
	tags := func() { // which newer brokers may add: we know of none here
		if flexible {
			f.Uvarint()
		}
	}
	length := f.ArrayLen
	if flexible {
		length = f.CompactArrayLen
	}
	tags()
	f.Int32() // for how long we are throttled
	if version >= fetchSession {
		f.Span(2 + 4)
	}
	length() // topics
	switch {
	case version >= fetchID:
		f.Uuid()
	case flexible:
		f.CompactString()
	default:
		_ = f.String()
	}
	length()              // partitions
	f.Span(4 + 2 + 8 + 8) // which, error, and ends
	if version >= fetchStart {
		f.Int64()
	}
	for n := length(); n > 0 && f.Ok(); n-- { // aborted transactions
		f.Span(8 + 8)
		tags()
	}
	if version >= fetchReplica {
		f.Int32()
	}
	if flexible {
		f.Uvarint() // bytes of the log, of which only the first are here
	} else {
		f.Int32()
	}
	return f.Src
}
