// Package record reads the logs of Kafka topics: record batches (magic 2) and
// the message sets that came before them (0 and 1). It takes bytes and knows no
// network. The bytes are hostile: no length in them is believed, and no more is
// decompressed than its limits allow.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Batch is one batch of a log, compressed as it was sent.
type Batch struct {
	// First and Last are the offsets that the batch covers. After compaction
	// it may hold fewer records than that, or none.
	First, Last int64
	// LeaderEpoch is that of the leader that appended it; negative if unknown.
	LeaderEpoch int32
	// ProducerID is negative if the producer is not idempotent.
	ProducerID int64
	// Count is how many records there should be; 0 for a message set.
	Count int32

	magic      int8
	attributes int16
	baseTime   int64
	maxTime    int64
	payload    []byte
}

// The attributes of a batch.
const (
	codecMask     = 0x07
	logAppendTime = 1 << 3
	transactional = 1 << 4
	control       = 1 << 5
)

// Transactional reports that the records count only if their transaction was
// committed.
func (b *Batch) Transactional() bool { return b.attributes&transactional != 0 }

// Control reports that the batch holds no messages, but the end of a transaction.
func (b *Batch) Control() bool { return b.attributes&control != 0 }

var (
	// ErrIncomplete says that the rest of the batch is missing.
	ErrIncomplete = errors.New("the batch is not complete")
	// ErrCorrupt says that the log is damaged, or no log.
	ErrCorrupt = errors.New("the batch is corrupt")
)

const (
	prefixSize   = 8 + 4             // offset and length, before what the length counts
	magicAt      = prefixSize + 4    // in every format
	headerSize   = 61                // of a record batch
	crcEnd       = magicAt + 1 + 4   // what follows is checked
	minSize      = 4 + 1 + 1 + 4 + 4 // checksum, magic, attributes, and an empty key and value
	maxBatchSize = 1<<31 - 1         // of an int32
)

// Split takes the first batch off a log. It returns ErrIncomplete if raw ends
// within it, and an error that wraps ErrCorrupt, with the offsets it claims, if it
// is damaged; then as well rest is what follows.
func Split(raw []byte) (b Batch, rest []byte, err error) {
	if len(raw) < magicAt+1 {
		return b, raw, ErrIncomplete
	}
	size := int64(binary.BigEndian.Uint32(raw[8:]))
	if size < minSize || size > maxBatchSize {
		return b, nil, fmt.Errorf("%w: it claims %d bytes", ErrCorrupt, size)
	}
	if int64(len(raw)) < prefixSize+size {
		return b, raw, ErrIncomplete
	}
	raw, rest = raw[:prefixSize+size], raw[prefixSize+size:]
	switch magic := int8(raw[magicAt]); magic { //nolint:gosec // a byte that is a number
	case 0, 1:
		b, err = parseMessage(raw, magic)
	case 2:
		b, err = parseBatch(raw)
	default:
		b, err = Batch{First: offset(raw), Last: offset(raw)}, fmt.Errorf("%w: unknown format %d", ErrCorrupt, magic)
	}
	return b, rest, err
}

// Head reads what the first bytes of a batch tell, and reports whether there are as
// many as that takes. Nothing has been checked then.
func Head(raw []byte) (b Batch, ok bool) {
	switch {
	case len(raw) <= magicAt:
	case raw[magicAt] < 2: // one message, or one that holds others up to its own offset
		return Batch{First: offset(raw), Last: offset(raw), LeaderEpoch: -1}, true
	case len(raw) >= headerSize:
		return head(raw), true
	}
	return b, false
}

// head reads the fields of a record batch.
func head(raw []byte) Batch {
	b := Batch{
		First: offset(raw), LeaderEpoch: integer32(raw[12:]), magic: 2,
		attributes: integer16(raw[21:]), baseTime: integer64(raw[27:]), maxTime: integer64(raw[35:]),
		ProducerID: integer64(raw[43:]), Count: integer32(raw[57:]), payload: raw[headerSize:],
	}
	b.Last = b.First + int64(max(integer32(raw[23:]), 0))
	return b
}

// Size returns how many bytes the first batch of raw needs, and 0 if raw is too
// short to tell.
func Size(raw []byte) int64 {
	if len(raw) < prefixSize {
		return 0
	}
	return prefixSize + int64(binary.BigEndian.Uint32(raw[8:]))
}

func offset(raw []byte) int64 { return integer64(raw) }

func integer64(raw []byte) int64 { return int64(binary.BigEndian.Uint64(raw)) } //nolint:gosec // signed on the wire
func integer32(raw []byte) int32 { return int32(binary.BigEndian.Uint32(raw)) } //nolint:gosec // signed on the wire
func integer16(raw []byte) int16 { return int16(binary.BigEndian.Uint16(raw)) } //nolint:gosec // signed on the wire

func parseBatch(raw []byte) (Batch, error) {
	if len(raw) < headerSize {
		return Batch{First: offset(raw), Last: offset(raw)}, fmt.Errorf("%w: its header is cut", ErrCorrupt)
	}
	b := head(raw)
	switch sum := crc32.Checksum(raw[crcEnd:], crc32.MakeTable(crc32.Castagnoli)); {
	case b.First < 0 || b.Last < b.First || b.Count < 0:
		return b, fmt.Errorf("%w: offset %d to %d, %d records", ErrCorrupt, b.First, b.Last, b.Count)
	case sum != binary.BigEndian.Uint32(raw[magicAt+1:]):
		return b, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	return b, nil
}

// parseMessage makes a batch of one message, or of one that holds compressed
// ones.
func parseMessage(raw []byte, magic int8) (Batch, error) {
	b := Batch{
		First: offset(raw), Last: offset(raw), LeaderEpoch: -1, ProducerID: -1,
		magic: magic, attributes: int16(raw[magicAt+1]), payload: raw,
	}
	switch {
	case b.First < 0:
		return b, fmt.Errorf("%w: offset %d", ErrCorrupt, b.First)
	case crc32.ChecksumIEEE(raw[magicAt:]) != binary.BigEndian.Uint32(raw[prefixSize:]):
		return b, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	return b, nil
}
