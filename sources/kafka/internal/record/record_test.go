package record_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

// compressors are the codecs by their numbers; snappy twice, since Java's clients
// frame it.
func compressors() map[string]compressor {
	stream := func(w io.WriteCloser, b *bytes.Buffer, data []byte) []byte {
		_, _ = w.Write(data)
		_ = w.Close()
		return b.Bytes()
	}
	return map[string]compressor{
		"none": {0, func(data []byte) []byte { return data }},
		"gzip": {1, func(data []byte) []byte {
			var b bytes.Buffer
			return stream(gzip.NewWriter(&b), &b, data)
		}},
		"snappy": {2, func(data []byte) []byte { return snappy.Encode(nil, data) }},
		"xerial": {2, xerial},
		"lz4": {3, func(data []byte) []byte {
			var b bytes.Buffer
			return stream(lz4.NewWriter(&b), &b, data)
		}},
		"zstd": {4, func(data []byte) []byte {
			var b bytes.Buffer
			w, _ := zstd.NewWriter(&b)
			return stream(w, &b, data)
		}},
	}
}

type compressor struct {
	number int16
	do     func([]byte) []byte
}

func xerial(data []byte) []byte {
	out := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	for len(data) > 0 {
		n := min(len(data), 32<<10)
		block := snappy.Encode(nil, data[:n])
		data = data[n:]
		out = append(out, byte(len(block)>>24), byte(len(block)>>16), byte(len(block)>>8), byte(len(block)))
		out = append(out, block...)
	}
	return out
}

// batch encodes records at offsets from first on.
func batch(first int64, attributes int16, do func([]byte) []byte, records ...kmsg.Record) []byte {
	var body []byte
	for i := range records {
		r := &records[i]
		r.OffsetDelta = int32(i)
		r.Length = 0
		length := len(r.AppendTo(nil)) - 1 // without the length itself
		r.Length = int32(length)
		body = r.AppendTo(body)
	}
	b := kmsg.RecordBatch{
		FirstOffset: first, PartitionLeaderEpoch: 3, Magic: 2, Attributes: attributes, LastOffsetDelta: int32(max(len(records)-1, 0)),
		FirstTimestamp: 1_000, MaxTimestamp: 9_000, ProducerID: 7, NumRecords: int32(len(records)), Records: do(body),
	}
	return seal(&b)
}

func seal(b *kmsg.RecordBatch) []byte {
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	raw := b.AppendTo(nil)
	b.CRC = int32(crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

func codecs(t testing.TB) *record.Codecs {
	t.Helper()
	c, err := record.NewCodecs(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// readAll returns the records of all batches.
func readAll(c *record.Codecs, raw []byte) (all []record.Record, err error) {
	for len(raw) > 0 {
		var b record.Batch
		if b, raw, err = record.Split(raw); err != nil {
			return all, err
		}
		r, err := c.Open(&b)
		if errors.Is(err, record.ErrLarge) {
			r, err = c.OpenLarge(&b, 32<<20)
		}
		if err != nil {
			return all, err
		}
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.Close()
				return all, err
			}
			all = append(all, rec)
		}
		r.Close()
	}
	return all, nil
}

func TestEveryCodec(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte("all work and no play "), 100_000)
	for name, z := range compressors() {
		for size, value := range map[string][]byte{"small": []byte("hello"), "large": long} {
			t.Run(name+"/"+size, func(t *testing.T) {
				t.Parallel()
				got, err := readAll(codecs(t), batch(40, z.number, z.do,
					kmsg.Record{Key: []byte("k"), Value: value, TimestampDelta64: 5},
					kmsg.Record{Value: []byte{}, Headers: []kmsg.Header{{Key: "h", Value: []byte("v")}, {Key: "", Value: nil}}},
					kmsg.Record{Key: []byte{}},
				))
				if err != nil || len(got) != 3 {
					t.Fatalf("%d records (%v)", len(got), err)
				}
				if got[0].Offset != 40 || got[2].Offset != 42 || !got[0].Time.Equal(time.UnixMilli(1_005)) || !bytes.Equal(got[0].Value, value) {
					t.Errorf("first record: offset %d, time %v, %d bytes", got[0].Offset, got[0].Time, len(got[0].Value))
				}
				if got[0].Headers != nil || got[1].Key != nil || got[1].Value == nil || got[2].Key == nil || got[2].Value != nil {
					t.Errorf("null and empty are mixed up: %+v", got[1:])
				}
				if h := got[1].Headers; len(h) != 2 || h[0].Key != "h" || string(h[0].Value) != "v" || h[1].Value != nil {
					t.Errorf("headers %+v", h)
				}
			})
		}
	}
}

// A record that is larger than any that is held gives its place and its key, and
// what follows it is read.
func TestOversizeRecordIsSkipped(t *testing.T) {
	t.Parallel()
	for name, z := range compressors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readAll(codecs(t), batch(0, z.number, z.do,
				kmsg.Record{Key: []byte("k"), Value: make([]byte, record.MaxRecord)},
				kmsg.Record{Value: []byte("next")},
			))
			if err != nil || len(got) != 2 {
				t.Fatalf("%d records (%v)", len(got), err)
			}
			if got[0].Oversize <= record.MaxRecord || string(got[0].Key) != "k" || got[0].Value != nil || string(got[1].Value) != "next" {
				t.Errorf("oversize %d, key %q; next %q", got[0].Oversize, got[0].Key, got[1].Value)
			}
		})
	}
}

// What claims more memory than anybody gets is refused before it has any.
func TestBombsAreRefused(t *testing.T) {
	t.Parallel()
	c := codecs(t)
	block := snappy.Encode(nil, make([]byte, 40<<20))
	for name, raw := range map[string][]byte{
		"one block":       batch(0, 2, func([]byte) []byte { return block }),
		"a claimed block": batch(0, 2, func([]byte) []byte { return []byte("\xff\xff\xff\xff\x0f") }),
	} {
		b, _, err := record.Split(raw)
		if err != nil {
			t.Fatal(err)
		}
		b.Count = 1
		if _, err := c.OpenLarge(&b, 32<<20); !errors.Is(err, record.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a later frame needs counts as well, and a frame of another kind than Kafka's
// clients write, whose blocks are larger, is damage.
func TestFramesThatHideTheirSize(t *testing.T) {
	t.Parallel()
	c := codecs(t)
	pack := func(size lz4.BlockSize, legacy bool, n int) []byte {
		var b bytes.Buffer
		w := lz4.NewWriter(&b)
		if err := w.Apply(lz4.BlockSizeOption(size), lz4.LegacyOption(legacy)); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(make([]byte, n))
		_ = w.Close()
		return b.Bytes()
	}
	skippable := append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00"), 0, 0, 0, 0)
	for name, data := range map[string][]byte{
		"legacy":             pack(lz4.Block64Kb, true, 9<<20),
		"behind a skippable": append(skippable, pack(lz4.Block4Mb, false, 9<<20)...),
		"a second frame":     append(pack(lz4.Block64Kb, false, 1000), pack(lz4.Block4Mb, false, 9<<20)...),
	} {
		raw := batch(0, 3, func([]byte) []byte { return data }, kmsg.Record{Value: make([]byte, 2_000)})
		if got, err := readAll(c, raw); !errors.Is(err, record.ErrCorrupt) {
			t.Errorf("LZ4, %s: %d records (%v)", name, len(got), err)
		}
	}
	frame := func(window int, data []byte) []byte {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(data)
		_ = w.Close()
		return b.Bytes()
	}
	const window = 8 << 20
	large := frame(window, make([]byte, 20<<20))
	noise := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // which does not compress
	for name, data := range map[string][]byte{
		"behind a skippable":           append(skippable, large...),
		"behind repeated bytes":        append(frame(1<<10, make([]byte, 1<<20)), large...),
		"behind what is as it was":     append(frame(1<<10, noise), large...),
		"behind compressed":            append(frame(1<<10, bytes.Repeat([]byte("lorem ipsum"), 1<<10)), large...),
		"before one that is not whole": append(bytes.Clone(large), large[:20]...),
	} {
		b, _, err := record.Split(batch(0, 4, func([]byte) []byte { return data }))
		if err != nil || b.Window() < window {
			t.Errorf("zstd, %s: a window of %d bytes (%v)", name, b.Window(), err)
		}
	}
}

// LogAppendTime is that of the whole batch.
func TestLogAppendTime(t *testing.T) {
	t.Parallel()
	got, err := readAll(codecs(t), batch(0, 1<<3, func(b []byte) []byte { return b }, kmsg.Record{TimestampDelta64: 5}))
	if err != nil || len(got) != 1 || !got[0].Time.Equal(time.UnixMilli(9_000)) {
		t.Errorf("records %+v (%v)", got, err)
	}
}

// What is no time is the zero time, so that nobody takes the message for an old one.
func TestNoTime(t *testing.T) {
	t.Parallel()
	for _, milliseconds := range []int64{-1, math.MinInt64, math.MaxInt64} {
		raw := batch(0, 0, func(b []byte) []byte { return b }, kmsg.Record{TimestampDelta64: milliseconds - 1_000})
		got, err := readAll(codecs(t), raw)
		if err != nil || len(got) != 1 || !got[0].Time.IsZero() {
			t.Errorf("%d ms: records %+v (%v)", milliseconds, got, err)
		}
	}
}

// A batch that holds nothing covers its offsets all the same.
func TestEmptyBatch(t *testing.T) {
	t.Parallel()
	raw := seal(&kmsg.RecordBatch{FirstOffset: 10, Magic: 2, LastOffsetDelta: 9, ProducerID: 4})
	b, rest, err := record.Split(raw)
	if err != nil || len(rest) > 0 || b.First != 10 || b.Last != 19 || b.Count != 0 {
		t.Errorf("batch %+v (%v)", b, err)
	}
	if got, err := readAll(codecs(t), raw); err != nil || len(got) > 0 {
		t.Errorf("records %+v (%v)", got, err)
	}
}

func TestAborted(t *testing.T) {
	t.Parallel()
	const transactional, control = 1 << 4, 1 << 5
	none := func(b []byte) []byte { return b }
	aborted := record.NewAborted([]record.Transaction{{ProducerID: 7, First: 30}, {ProducerID: 7, First: 10}})
	for _, step := range []struct {
		first      int64
		attributes int16
		want       bool
	}{
		{5, transactional, false},
		{10, 0, false},
		{11, transactional, true},
		{12, transactional | control, false},
		{20, transactional, false},
		{30, transactional, true},
		{31, transactional, true},
		{32, transactional | control, false},
		{33, transactional, false},
	} {
		b, _, err := record.Split(batch(step.first, step.attributes, none, kmsg.Record{}))
		if err != nil {
			t.Fatal(err)
		}
		if got := aborted.Has(&b); got != step.want {
			t.Errorf("batch at %d: aborted is %v", step.first, got)
		}
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	good := batch(5, 0, func(b []byte) []byte { return b }, kmsg.Record{Value: []byte("hello")})
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x41
		b, _, err := record.Split(bad)
		if err == nil && i >= 8 && (i < 12 || i >= 16) { // the offset and the epoch are not under the checksum
			t.Errorf("byte %d is wrong and nobody says so: %+v", i, b)
		}
		if _, _, err := record.Split(good[:i]); !errors.Is(err, record.ErrIncomplete) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
}

// messageV encodes a message of the formats before record batches.
func messageV(magic int8, offset int64, attributes int8, key, value []byte) []byte {
	if magic == 0 {
		m := kmsg.MessageV0{Offset: offset, Magic: 0, Attributes: attributes, Key: key, Value: value}
		m.MessageSize = int32(len(m.AppendTo(nil)) - 12)
		m.CRC = int32(crc32.ChecksumIEEE(m.AppendTo(nil)[16:]))
		return m.AppendTo(nil)
	}
	m := kmsg.MessageV1{Offset: offset, Magic: 1, Attributes: attributes, Timestamp: 4_000, Key: key, Value: value}
	m.MessageSize = int32(len(m.AppendTo(nil)) - 12)
	m.CRC = int32(crc32.ChecksumIEEE(m.AppendTo(nil)[16:]))
	return m.AppendTo(nil)
}

// Message sets, which are older than record batches, are read, too: the inner
// offsets are absolute in the oldest format and relative in the next.
func TestMessageSets(t *testing.T) {
	t.Parallel()
	gzipped := compressors()["gzip"]
	inner0 := append(messageV(0, 20, 0, nil, []byte("a")), messageV(0, 22, 0, []byte("k"), nil)...)
	inner1 := append(messageV(1, 0, 0, nil, []byte("a")), messageV(1, 2, 0, []byte("k"), nil)...)
	for name, raw := range map[string][]byte{
		"0":            inner0,
		"1":            append(messageV(1, 20, 0, nil, []byte("a")), messageV(1, 22, 0, []byte("k"), nil)...),
		"0 compressed": messageV(0, 22, 1, nil, gzipped.do(inner0)),
		"1 compressed": messageV(1, 22, 1, nil, gzipped.do(inner1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readAll(codecs(t), raw)
			if err != nil || len(got) != 2 {
				t.Fatalf("%d records (%v)", len(got), err)
			}
			if got[0].Offset != 20 || got[1].Offset != 22 || string(got[0].Value) != "a" || got[1].Value != nil || got[0].Key != nil || string(got[1].Key) != "k" {
				t.Errorf("records %+v", got)
			}
			if strings.HasPrefix(name, "1") != got[0].Time.Equal(time.UnixMilli(4_000)) {
				t.Errorf("time %v", got[0].Time)
			}
		})
	}
}

// FuzzLog holds whatever a broker may send against the promises: no panic, and
// progress.
func FuzzLog(f *testing.F) {
	for _, z := range compressors() {
		f.Add(batch(40, z.number, z.do, kmsg.Record{Key: []byte("k"), Value: []byte("v"), Headers: []kmsg.Header{{Key: "h"}}}))
		f.Add(messageV(1, 22, int8(z.number), nil, z.do(messageV(1, 0, 0, nil, []byte("a")))))
	}
	f.Add(seal(&kmsg.RecordBatch{FirstOffset: 10, Magic: 2, LastOffsetDelta: 9, NumRecords: 1 << 30}))
	c := codecs(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, data := range [][]byte{raw, checked(raw)} {
			if _, err := readAll(c, data); err != nil && !errors.Is(err, record.ErrCorrupt) && !errors.Is(err, record.ErrIncomplete) && !errors.Is(err, record.ErrTooLarge) {
				t.Errorf("an error of no kind: %v", err)
			}
		}
	})
}

// checked gives a batch the checksum that it needs to be looked into.
func checked(raw []byte) []byte {
	raw = bytes.Clone(raw)
	if len(raw) < 61 {
		return raw
	}
	sum := crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli))
	size := len(raw) - 12
	copy(raw[8:], []byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)})
	copy(raw[16:], []byte{2, byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	return raw
}

// Empty headers take two bytes in the log, compressed even less, and many times
// that in memory.
func TestRecordWithTooManyHeadersIsSkipped(t *testing.T) {
	t.Parallel()
	none := func(b []byte) []byte { return b }
	got, err := readAll(codecs(t), batch(0, 0, none,
		kmsg.Record{Key: []byte("k"), Value: []byte("v"), Headers: make([]kmsg.Header, record.MaxHeaders)},
		kmsg.Record{Key: []byte("k"), Value: []byte("v"), Headers: make([]kmsg.Header, record.MaxHeaders+1)},
		kmsg.Record{Value: []byte("next")},
	))
	if err != nil || len(got) != 3 {
		t.Fatalf("%d records (%v)", len(got), err)
	}
	if got[0].Oversize != 0 || len(got[0].Headers) != record.MaxHeaders {
		t.Errorf("as many as are held: oversize %d, %d headers", got[0].Oversize, len(got[0].Headers))
	}
	if r := got[1]; r.Oversize == 0 || r.Offset != 1 || string(r.Key) != "k" || r.Value != nil || r.Headers != nil {
		t.Errorf("too many: %+v", r)
	}
	if string(got[2].Value) != "next" {
		t.Errorf("next: %+v", got[2])
	}
}

// The first block of a batch need not be the largest: it takes memory, and is not
// damaged.
func TestLaterBlockMayBeLarger(t *testing.T) {
	t.Parallel()
	value := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	blocks := func(data []byte) []byte {
		first, second := snappy.Encode(nil, data[:100]), snappy.Encode(nil, data[100:])
		out := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
		for _, block := range [][]byte{first, second} {
			out = append(binary.BigEndian.AppendUint32(out, uint32(len(block))), block...)
		}
		return out
	}
	got, err := readAll(codecs(t), batch(0, 2, blocks, kmsg.Record{Value: value}))
	if err != nil || len(got) != 1 || !bytes.Equal(got[0].Value, value) {
		t.Errorf("%d records (%v)", len(got), err)
	}
}
