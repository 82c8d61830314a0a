package record

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
)

// Record is one message of a log. Key, Value and Headers are its own memory; nil
// and empty are two things.
type Record struct {
	Offset     int64
	Time       time.Time
	Key, Value []byte
	Headers    []Header
	// Oversize is the record's size if it is above MaxRecord, or if it has more
	// than MaxHeaders, and else 0. Then Value and Headers are left out.
	Oversize int64
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

const (
	// MaxRecord is the largest record that is held in memory.
	MaxRecord = 4 << 20
	// MaxHeaders is how many headers are held: an empty one has two bytes in the
	// log, and many times that in memory.
	MaxHeaders = 10_000
	// maxKey is the largest key that is read of an oversize record.
	maxKey = 64 << 10
	// maxInflated bounds what a batch may decompress to in all. No memory is
	// held for it, but it takes time.
	maxInflated = 1 << 30
	bufferSize  = 4 << 10
)

// Reader reads the records of one batch, one by one, and decompresses no more
// than they need.
type Reader struct {
	batch *Batch
	in    *bufio.Reader
	close func()
	left  int32 // records to come

	messages []byte // of a message set, instead of in
	base     int64  // added to their offsets
}

// newReader reads the records of b from in, which is what it decompresses to.
func newReader(b *Batch, in io.Reader, done func()) *Reader {
	return &Reader{batch: b, in: bufio.NewReaderSize(io.LimitReader(in, maxInflated), bufferSize), close: done, left: b.Count}
}

// Close gives up what the decompression needs.
func (r *Reader) Close() {
	if r.close != nil {
		r.close()
		r.close = nil
	}
}

// Next returns the next record, io.EOF behind the last one, and an error that
// wraps ErrCorrupt if the batch is not what it should be.
func (r *Reader) Next() (Record, error) {
	if r.batch.magic < 2 {
		return r.nextMessage()
	}
	if r.left == 0 {
		return Record{}, io.EOF
	}
	r.left--
	size, err := binary.ReadVarint(r.in)
	if err != nil {
		return Record{}, corrupt(err)
	}
	var rec Record
	switch {
	case size < 0 || size > math.MaxInt32:
		return Record{}, fmt.Errorf("%w: a record of %d bytes", ErrCorrupt, size)
	case size > MaxRecord:
		rec, err = r.oversize(size)
	default:
		rec, err = r.whole(int(size))
	}
	if err != nil {
		return Record{}, corrupt(err)
	}
	if rec.Offset < r.batch.First || rec.Offset > r.batch.Last {
		return Record{}, fmt.Errorf("%w: offset %d is not within %d to %d", ErrCorrupt, rec.Offset, r.batch.First, r.batch.Last)
	}
	return rec, nil
}

// corrupt makes a wrong end, and what decompressors say, an ErrCorrupt.
func corrupt(err error) error {
	if errors.Is(err, ErrCorrupt) {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// whole reads a record of size bytes into memory of its own.
func (r *Reader) whole(size int) (Record, error) {
	raw := make([]byte, size)
	if _, err := io.ReadFull(r.in, raw); err != nil {
		return Record{}, err
	}
	f := kbin.Reader{Src: raw}
	f.Int8() // attributes, of which there are none
	rec := r.place(f.Varlong(), f.Varlong())
	rec.Key, rec.Value = f.VarintBytes(), f.VarintBytes()
	n := f.VarintArrayLen()
	if n > MaxHeaders {
		rec.Key, rec.Value, rec.Oversize = bytes.Clone(rec.Key[:min(len(rec.Key), maxKey)]), nil, int64(size)
		return rec, nil
	}
	bad := n < 0
	for ; n > 0 && f.Ok(); n-- {
		name := f.VarintBytes()
		rec.Headers = append(rec.Headers, Header{Key: string(name), Value: f.VarintBytes()})
		bad = bad || name == nil
	}
	if bad || !f.Ok() || len(f.Src) > 0 {
		return Record{}, fmt.Errorf("%w: a record's fields are not as long as the record", ErrCorrupt)
	}
	return rec, nil
}

// oversize reads where a record of size bytes is, and its key, and discards the
// rest.
func (r *Reader) oversize(size int64) (Record, error) {
	in := bufio.NewReaderSize(io.LimitReader(r.in, size), bufferSize)
	_, err := in.ReadByte()
	times, err1 := binary.ReadVarint(in)
	offsets, err2 := binary.ReadVarint(in)
	length, err3 := binary.ReadVarint(in)
	if err := errors.Join(err, err1, err2, err3); err != nil {
		return Record{}, err
	}
	rec := r.place(times, offsets)
	rec.Oversize = size
	if length >= 0 && length <= maxKey {
		rec.Key = make([]byte, length)
		if _, err := io.ReadFull(in, rec.Key); err != nil {
			return Record{}, err
		}
	}
	_, err = io.Copy(io.Discard, in)
	return rec, err
}

// place says where a record is, by its distances from the batch.
func (r *Reader) place(sinceBase, sinceFirst int64) Record {
	at := r.batch.baseTime + sinceBase
	if r.batch.attributes&logAppendTime != 0 {
		at = r.batch.maxTime
	}
	return Record{Offset: r.batch.First + sinceFirst, Time: timeOf(at)}
}

// timeOf is the zero time for what is none: producers write -1 for that, and brokers
// take whatever else they write.
func timeOf(milliseconds int64) time.Time {
	const lastYear = 9999 // that RFC 3339 can write
	if at := time.UnixMilli(milliseconds); milliseconds >= 0 && at.Year() <= lastYear {
		return at
	}
	return time.Time{}
}
