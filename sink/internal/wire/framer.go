// Package wire turns bytes into whole XML elements and back, for XMPP streams
// (RFC 6120). It never hands a live stream to a general XML parser: elements
// are framed first, within a hard size limit, and a hostile or broken one can
// then be dropped without losing the stream.
package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrTooBig reports that the opening tag of the stream exceeds the limit of the
// Framer.
var ErrTooBig = errors.New("tag exceeds the size limit")

// ErrNoStream reports that what was read is not the begin of an XMPP stream.
var ErrNoStream = errors.New("not an XMPP stream")

const readSize = 16 << 10 // one TLS record

// Framer cuts an XML stream into the children of its root element.
//
// It checks only what framing needs: comments, processing instructions and
// document types are refused (RFC 6120, 11.1), names of end tags are not
// compared. That a stanza is well formed is the server's promise.
type Framer struct {
	r       io.Reader
	max     int
	buf     []byte
	start   int  // first byte of the element in work
	end     int  // end of what has been read
	pos     int  // bytes of the element already tokenised
	depth   int  // open tags of the element
	drop    bool // the element is too big: it is read, and not kept
	dropped int
}

// NewFramer returns a Framer that drops elements of more than limit bytes: a
// server may make a long stanza six times longer by escaping, and pass it on
// to everybody, so one must not end the stream.
func NewFramer(r io.Reader, limit int) *Framer {
	return &Framer{r: r, max: limit, buf: make([]byte, readSize)}
}

// Buffered returns how many bytes have been read but not yet returned.
func (f *Framer) Buffered() int { return f.end - f.start }

// Dropped returns how many elements were too big.
func (f *Framer) Dropped() int { return f.dropped }

// Header reads the opening tag of the stream, with the XML declaration that
// may precede it. The result is valid until the next call.
func (f *Framer) Header() ([]byte, error) {
	for {
		b := bytes.TrimLeft(f.buf[f.start:f.end], " \t\r\n")
		if bytes.HasPrefix(b, []byte("<?")) {
			_, b, _ = bytes.Cut(b, []byte("?>"))
			b = bytes.TrimLeft(b, " \t\r\n")
		}
		kind, n, err := token(b)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			if kind != open || !bytes.Equal(name(b), []byte("stream:stream")) {
				return nil, fmt.Errorf("%w: %.40q", ErrNoStream, b)
			}
			f.start = f.end - len(b) + n
			return b[:n], nil
		}
		if f.Buffered() >= f.max {
			return nil, fmt.Errorf("%w of %d bytes", ErrTooBig, f.max)
		}
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
}

// Next returns the next child of the stream, whole. The result is valid until
// the next call. It returns io.EOF when the peer has closed the stream.
func (f *Framer) Next() ([]byte, error) {
	for {
		element, err := f.scan()
		if element != nil || err != nil {
			return element, err
		}
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
}

// scan looks for the end of the element in what has been read. Nil without an
// error asks for more bytes.
func (f *Framer) scan() ([]byte, error) {
	for f.start+f.pos < f.end {
		kind, n, err := token(f.buf[f.start+f.pos : f.end])
		if err != nil || n == 0 {
			return nil, err
		}
		f.pos += n
		switch kind {
		case open:
			f.depth++
		case closing:
			f.depth--
		case empty, text, cdata: // on the same level
		}
		switch {
		case f.depth < 0:
			return nil, io.EOF
		case f.depth == 0 && (kind == text || kind == cdata):
			if err := f.skip(); err != nil {
				return nil, err
			}
		case f.depth == 0 && (f.drop || f.pos > f.max):
			f.take()
			f.drop = false
			f.dropped++
		case f.depth == 0:
			return f.take(), nil
		}
	}
	return nil, nil
}

// skip drops white space between elements: it keeps connections alive.
func (f *Framer) skip() error {
	between := f.take()
	if s := bytes.TrimLeft(between, " \t\r\n"); len(s) > 0 {
		return fmt.Errorf("text between stanzas: %.40q", s)
	}
	return nil
}

func (f *Framer) take() []byte {
	element := f.buf[f.start : f.start+f.pos]
	f.start += f.pos
	f.pos = 0
	return element
}

// fill reads more bytes, at least one. The buffer grows up to the limit; an
// element that does not fit is dropped, token by token, and a token that does not
// fit is cut short.
func (f *Framer) fill() error {
	if f.Buffered() >= f.max {
		f.drop = true
	}
	if f.drop {
		f.take()
	}
	if f.Buffered() >= f.max {
		f.end = f.start + copy(f.buf[f.start:], stub(f.buf[f.start:f.end]))
	}
	if f.start > 0 {
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	if f.end == len(f.buf) {
		grown := make([]byte, min(2*len(f.buf), max(f.max, readSize)))
		copy(grown, f.buf)
		f.buf = grown
	}
	n, err := f.r.Read(f.buf[f.end:])
	f.end += n
	switch {
	case n > 0:
		return nil
	case err == nil:
		return io.ErrNoProgress
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF // the peer ends the stream before it goes
	default:
		return err
	}
}
