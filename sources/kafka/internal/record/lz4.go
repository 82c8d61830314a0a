package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

const (
	lz4Magic       = "\x04\x22\x4d\x18"
	lz4Descriptor  = len(lz4Magic) + 2 + 1 // with flags, block size, and a checksum
	lz4ContentSize = 1 << 3                // the flags
	lz4BlockSums   = 1 << 4
	lz4ContentSum  = 1 << 2
)

// inflateLZ4 reads the one frame that there is. As Kafka's own clients it takes no
// other kind, nor a second one: their blocks may be larger.
func inflateLZ4(data []byte, limit int) (io.Reader, func(), error) {
	if len(data) < lz4Descriptor || string(data[:len(lz4Magic)]) != lz4Magic {
		return nil, nil, fmt.Errorf("%w: it is no frame of LZ4", ErrCorrupt)
	}
	if lz4Block(data) > int64(limit) {
		return nil, nil, more(limit)
	}
	return lz4.NewReader(bytes.NewReader(lz4Frame(data))), nil, nil
}

// lz4Block is the memory for the blocks of a frame: the one being read, and what
// it decompresses to.
func lz4Block(data []byte) int64 {
	if len(data) < lz4Descriptor {
		return 0
	}
	return 2 << (8 + 2*(data[len(lz4Magic)+1]>>4&7)) // 4: 64 kB to 7: 4 MB
}

// lz4Frame cuts off what is behind the first frame. What is not complete the decoder
// tells.
func lz4Frame(data []byte) []byte {
	flags := data[len(lz4Magic)]
	rest := data[lz4Descriptor:]
	skip := func(n int64) { rest = rest[min(n, int64(len(rest))):] }
	if flags&lz4ContentSize != 0 {
		skip(8)
	}
	for len(rest) >= 4 {
		size := int64(binary.LittleEndian.Uint32(rest) &^ (1 << 31)) // which says that it is not compressed
		if skip(4); size == 0 {
			break
		}
		if flags&lz4BlockSums != 0 {
			size += 4
		}
		skip(size)
	}
	if flags&lz4ContentSum != 0 {
		skip(4)
	}
	return data[:len(data)-len(rest)]
}
