package envelope

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"google.golang.org/protobuf/encoding/protowire"
)

// maxContent is how large a compressed message may become, in bytes.
const maxContent = 4 << 20

// maxCodings is how often a message may be compressed: undoing each takes time,
// and a few bytes may name thousands.
const maxCodings = 5

var errTooLarge = fmt.Errorf("more than %d bytes when decompressed", maxContent)

// unpacked undoes Content-Encoding, and what is compressed without saying so.
func unpacked(raw Raw) ([]byte, error) {
	body := raw.Body
	codings := strings.Split(strings.ToLower(raw.Get("Content-Encoding")), ",")
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("header Content-Encoding has %d encodings: use no more than %d", len(codings), maxCodings)
	}
	for _, coding := range slices.Backward(codings) {
		coding = strings.TrimSpace(coding)
		if coding == "" || coding == "identity" || coding == "utf-8" || coding == "utf8" {
			continue
		}
		out, err := decompress(coding, body)
		if err != nil && utf8.Valid(body) {
			return body, nil // some proxy has undone it, and left the header
		}
		if err != nil {
			return nil, fmt.Errorf("header Content-Encoding is %s: %w", quote(coding), err)
		}
		body = out
	}
	for _, c := range [...]struct{ magic, coding string }{{"\x1f\x8b\x08", "gzip"}, {"\x28\xb5\x2f\xfd", "zstd"}} {
		if bytes.HasPrefix(body, []byte(c.magic)) {
			out, err := decompress(c.coding, body)
			if err != nil {
				return nil, fmt.Errorf("begins like %s: %w", c.coding, err)
			}
			return out, nil
		}
	}
	return body, nil
}

// decompress undoes one coding, up to maxContent.
func decompress(coding string, body []byte) ([]byte, error) {
	switch coding {
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return bounded(r)
	case "deflate", "zlib":
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			return bounded(r)
		}
		return bounded(flate.NewReader(bytes.NewReader(body))) // as some servers have it
	case "zstd":
		r, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxContent))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return bounded(r)
	}
	return nil, errors.New("use gzip, zstd or deflate")
}

func bounded(r io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxContent+1))
	if len(content) > maxContent {
		return nil, errTooLarge
	}
	return content, err
}

// Text returns the body as UTF-8: without its compression, and in the charset that
// its headers name. The error says what it is instead.
func (r Raw) Text() ([]byte, error) {
	body, err := unpacked(r)
	if err != nil {
		return nil, err
	}
	body = unframed(body)
	if text, err := decoded(body, r.Get("Content-Type")); err != nil || text != nil {
		return text, err
	}
	if kind := binaryKind(body, mediaType(r.Get("Content-Type"))); kind != "" {
		return nil, fmt.Errorf("%s is not supported: publish JSON or text", kind)
	}
	if utf8.Valid(body) {
		return body, nil
	}
	if text := westernText(body); text != nil {
		return text, nil
	}
	_, at, _ := encoding.UTF8Validator.Transform(make([]byte, len(body)), body, true)
	return nil, fmt.Errorf("not UTF-8: invalid byte 0x%02x at byte %d: publish UTF-8, or name the charset in the header Content-Type", body[at], at)
}

// frames are what serializers of schema registries put before JSON: a magic
// byte, and the number of the schema.
var frames = [...]struct { //nolint:gochecknoglobals // a constant table
	magic  string
	length int
}{
	{"\x00", 5},      // Confluent, Redpanda, Apicurio with numbers of 4 bytes
	{"\x00", 9},      // Apicurio with numbers of 8 bytes
	{"\x03\x00", 18}, // AWS Glue
}

func unframed(body []byte) []byte {
	for _, f := range frames {
		if len(body) > f.length && bytes.HasPrefix(body, []byte(f.magic)) && strings.IndexByte(`{["`, body[f.length]) >= 0 && utf8.Valid(body[f.length:]) {
			return body[f.length:]
		}
	}
	return body
}

// decoded undoes the charset, which a byte order mark tells, or else the header
// Content-Type. It returns nil if neither does.
func decoded(body []byte, contentType string) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		if utf8.Valid(body) {
			return body[3:], nil
		}
	case len(body)%2 == 0 && (bytes.HasPrefix(body, []byte("\xff\xfe")) || bytes.HasPrefix(body, []byte("\xfe\xff"))):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(body)
	}
	_, params, _ := mime.ParseMediaType(contentType) // what is no media type tells no charset
	name := strings.ToLower(params["charset"])
	if name == "" || name == "utf-8" || name == "utf8" || name == "us-ascii" {
		return nil, nil
	}
	charset, err := charsetOf(name)
	if err != nil {
		if utf8.Valid(body) {
			return nil, nil
		}
		return nil, fmt.Errorf("header Content-Type: charset %s is not known: publish UTF-8", quote(name))
	}
	return charset.NewDecoder().Bytes(body)
}

func charsetOf(name string) (encoding.Encoding, error) {
	switch name {
	case "utf-16", "utf-16be": // without a mark it is big-endian (RFC 2781)
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), nil
	}
	return htmlindex.Get(name)
}

// westernText returns text in windows-1252, which programs of old send without a
// charset: letters between words of ASCII. It returns nil for JSON, and what is no text.
func westernText(body []byte) []byte {
	ascii := 0
	for _, c := range body {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' {
			return nil
		}
		if c < utf8.RuneSelf {
			ascii++
		}
	}
	const least = 4 // of five bytes
	text, err := charmap.Windows1252.NewDecoder().Bytes(body)
	if err != nil || ascii*(least+1) < len(body)*least || body[0] == '{' || body[0] == '[' || bytes.ContainsRune(text, utf8.RuneError) {
		return nil
	}
	return text
}

// magics are the beginnings of what is no text, beyond those that net/http knows.
var magics = [...]struct{ magic, kind string }{ //nolint:gochecknoglobals // a constant table
	{"Obj\x01", "Avro"},
	{"\xc3\x01", "Avro (single-object encoding)"},
	{"\x04\x22\x4d\x18", "data compressed with LZ4"},
	{"\xff\x06\x00\x00sNaPpY", "data compressed with Snappy"},
	{"\x82SNAPPY\x00", "data compressed with Snappy"},
	{"\xac\xed\x00\x05", "a serialized Java object"},
	{"PAR1", "Parquet"},
	{"\xd9\xd9\xf7", "CBOR"},
}

// binaryMedia are media types of what is no text.
var binaryMedia = [...]struct{ part, kind string }{ //nolint:gochecknoglobals // a constant table
	{"avro", "Avro"},
	{"protobuf", "Protobuf"},
	{"msgpack", "MessagePack"},
	{"cbor", "CBOR"},
	{"thrift", "Thrift"},
}

// binaryKind names the encoding of a body that is no text, "" if it is text.
func binaryKind(body []byte, media string) string {
	isText := utf8.Valid(body) && !bytes.ContainsFunc(body, isBinary)
	for _, m := range binaryMedia {
		if strings.Contains(media, m.part) && (!isText || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))) {
			return m.kind
		}
	}
	for _, m := range magics {
		if bytes.HasPrefix(body, []byte(m.magic)) && (!isText || m.magic == "PAR1") {
			return m.kind
		}
	}
	const frame = 5
	switch {
	case isText:
		return ""
	case len(body) > frame && body[0] == 0:
		return fmt.Sprintf("Avro or Protobuf framed with schema %d of a registry", uint32(body[1])<<24|uint32(body[2])<<16|uint32(body[3])<<8|uint32(body[4]))
	case len(body) > frame && body[0]&0xf0 == 0x80 && body[1]&0xe0 == 0xa0: // a map, and a name
		return "what looks like MessagePack"
	case isProtobuf(body):
		return "what looks like Protobuf"
	}
	begins := body[:min(len(body), 8)]
	if media := http.DetectContentType(body); (!utf8.Valid(body) || bytes.ContainsFunc(begins, isBinary)) && media != "application/octet-stream" && !strings.HasPrefix(media, "text/") {
		return media
	}
	return ""
}

// isBinary reports control characters that no text and no terminal has.
func isBinary(r rune) bool {
	return r < '\a' || '\r' < r && r < '\x1b' || '\x1b' < r && r < ' '
}

// isProtobuf reports whether body is a list of fields from its beginning to its
// end.
func isProtobuf(body []byte) bool {
	for len(body) > 0 {
		number, _, n := protowire.ConsumeField(body)
		if n < 0 || number > 1000 {
			return false
		}
		body = body[n:]
	}
	return true
}
