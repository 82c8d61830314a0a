package record

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// The codecs, as the attributes number them.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

// smallWindow is how much memory to decompress a batch takes without being asked
// for: what gzip, and the usual blocks of snappy and LZ4 need.
const smallWindow = 256 << 10

var (
	// ErrLarge says that a batch takes more memory to decompress than is to be
	// had without asking. Window says how much.
	ErrLarge = errors.New("the batch takes much memory to decompress")
	// ErrTooLarge says that it takes more than there is.
	ErrTooLarge = errors.New("the batch takes too much memory to decompress: raise MEMORY_LIMIT, or publish smaller batches")
)

// Codecs decompress batches. They can be used from any goroutine.
type Codecs struct {
	zstd *zstd.Decoder // whole batches that are small
}

// NewCodecs prepares codecs for n goroutines.
func NewCodecs(n int) (*Codecs, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(n), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("prepare zstd: %w", err)
	}
	return &Codecs{zstd: decoder}, nil
}

// Close ends the codecs.
func (c *Codecs) Close() { c.zstd.Close() }

// Open reads the records of b. It returns ErrLarge if that takes memory.
func (c *Codecs) Open(b *Batch) (*Reader, error) {
	if b.magic < 2 {
		return c.openMessages(b)
	}
	in, done, err := c.inflate(int(b.attributes)&codecMask, b.payload, smallWindow)
	if err != nil {
		return nil, err
	}
	return newReader(b, in, done), nil
}

// OpenLarge is Open for a batch for which there are limit bytes of memory. It
// returns ErrTooLarge if it takes more.
func (c *Codecs) OpenLarge(b *Batch, limit int) (*Reader, error) {
	in, done, err := c.inflate(int(b.attributes)&codecMask, b.payload, max(limit, smallWindow+1))
	if err != nil {
		return nil, err
	}
	return newReader(b, in, done), nil
}

// Window is about how much memory it takes to decompress b.
func (b *Batch) Window() int64 {
	switch int(b.attributes) & codecMask {
	case codecSnappy:
		return int64(snappyBlock(b.payload))
	case codecLZ4:
		return lz4Block(b.payload)
	case codecZstd:
		return int64(min(zstdWindow(b.payload), math.MaxInt32)) + smallWindow
	}
	return 0
}

// inflate decompresses data, with a window of at most limit bytes.
func (c *Codecs) inflate(codec int, data []byte, limit int) (io.Reader, func(), error) {
	switch codec {
	case codecNone:
		return bytes.NewReader(data), nil, nil
	case codecGzip:
		in, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, nil, corrupt(err)
		}
		return in, nil, nil
	case codecSnappy:
		return inflateSnappy(data, limit)
	case codecLZ4:
		return inflateLZ4(data, limit)
	case codecZstd:
		return c.inflateZstd(data, limit)
	}
	return nil, nil, fmt.Errorf("%w: unknown codec %d", ErrCorrupt, codec)
}

// more says that a batch takes more memory than limit.
func more(limit int) error {
	if limit == smallWindow {
		return ErrLarge
	}
	return ErrTooLarge
}

// inflateZstd takes small batches whole, which needs no window, and larger ones as
// a stream, which needs one. What claims a larger window than there is may still be
// small: Java's clients claim the window of their level, whatever they compress.
func (c *Codecs) inflateZstd(data []byte, limit int) (io.Reader, func(), error) {
	if limit == smallWindow {
		return c.inflateWhole(data, limit)
	}
	if zstdWindow(data) > uint64(limit) { //nolint:gosec // not negative
		return c.inflateWhole(data, limit)
	}
	in, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(limit)), zstd.WithDecodeBuffersBelow(0)) //nolint:gosec // not negative
	if err != nil {
		return nil, nil, corrupt(err)
	}
	return in, in.Close, nil
}

// inflateWhole decompresses up to limit bytes. The library says in several ways
// that there are more; if they are corrupt instead, reading them as a stream tells.
func (c *Codecs) inflateWhole(data []byte, limit int) (io.Reader, func(), error) {
	const usualRatio = 16
	var err error
	for _, size := range []int{min(usualRatio*len(data), limit), limit} {
		var whole []byte
		if whole, err = c.zstd.DecodeAll(data, make([]byte, 0, size)); err == nil {
			return bytes.NewReader(whole), nil, nil
		}
	}
	return nil, nil, fmt.Errorf("%w (%w)", more(limit), err)
}

// zstdWindow is the most that a frame claims to need. What is not complete, or no
// frame, the decoder tells.
func zstdWindow(data []byte) (largest uint64) {
	for len(data) > 0 {
		var header zstd.Header
		if header.Decode(data) != nil {
			break
		}
		data = data[min(header.HeaderSize, len(data)):]
		switch {
		case header.Skippable:
			data = data[min(int(header.SkippableSize), len(data)):]
			continue
		case header.SingleSegment:
			largest = max(largest, header.FrameContentSize)
		default:
			largest = max(largest, header.WindowSize)
		}
		data = skipBlocks(data)
		if header.HasCheckSum {
			data = data[min(4, len(data)):]
		}
	}
	return largest
}

// skipBlocks returns what is behind the blocks of a frame.
func skipBlocks(data []byte) []byte {
	const header, last, repeated = 3, 1, 1
	for len(data) >= header {
		block := int(data[0]) | int(data[1])<<8 | int(data[2])<<16
		size := block >> 3
		if block>>1&3 == repeated { // one byte, so many times
			size = 1
		}
		data = data[min(header+size, len(data)):]
		if block&last != 0 {
			return data
		}
	}
	return nil
}

// xerial is the mark of the blocks in which Java's clients compress. Others send
// one block without it.
const xerial = "\x82SNAPPY\x00"

const xerialHeader = len(xerial) + 4 + 4 // with two versions

func inflateSnappy(data []byte, limit int) (io.Reader, func(), error) {
	if snappyBlock(data) > limit {
		return nil, nil, more(limit)
	}
	if len(data) >= xerialHeader && string(data[:len(xerial)]) == xerial {
		return &xerialReader{data: data[xerialHeader:], limit: limit}, nil, nil
	}
	whole, err := snappy.Decode(nil, data)
	if err != nil {
		return nil, nil, corrupt(err)
	}
	return bytes.NewReader(whole), nil, nil
}

// snappyBlock is how large a block without frame claims to be, or the largest one
// of several.
func snappyBlock(data []byte) int {
	if len(data) < xerialHeader || string(data[:len(xerial)]) != xerial {
		return decodedLen(data)
	}
	largest := 0
	for data = data[xerialHeader:]; len(data) >= 4; {
		size := min(int64(binary.BigEndian.Uint32(data)), int64(len(data)-4))
		largest = max(largest, decodedLen(data[4:4+size]))
		data = data[4+size:]
	}
	return largest
}

// decodedLen is what a block claims to decompress to.
func decodedLen(block []byte) int {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return 0 // the decoder will tell what is wrong
	}
	return n
}

// xerialReader reads the blocks of Java's snappy, each with its length.
type xerialReader struct {
	data  []byte
	block []byte
	rest  []byte // of the block
	limit int
}

func (x *xerialReader) Read(p []byte) (int, error) {
	for len(x.rest) == 0 {
		if len(x.data) == 0 {
			return 0, io.EOF
		}
		if err := x.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, x.rest)
	x.rest = x.rest[n:]
	return n, nil
}

func (x *xerialReader) next() error {
	if len(x.data) < 4 {
		return io.ErrUnexpectedEOF
	}
	size := int64(binary.BigEndian.Uint32(x.data))
	x.data = x.data[4:]
	if size > int64(len(x.data)) {
		return io.ErrUnexpectedEOF
	}
	block := x.data[:size]
	x.data = x.data[size:]
	switch n, err := snappy.DecodedLen(block); {
	case err != nil:
		return err
	case n > x.limit:
		return fmt.Errorf("a block of %d bytes", n)
	}
	var err error
	x.block, err = snappy.Decode(x.block[:cap(x.block)], block)
	x.rest = x.block
	return err
}
