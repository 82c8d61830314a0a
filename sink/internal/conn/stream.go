package conn

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// maxInbound is the longest stanza that we take: what stock servers allow
// (256 KiB) and some room for what they add.
const maxInbound = 1 << 20

// Stream is an XML stream over one connection (RFC 6120, 4). It is used by
// one goroutine at a time until it is logged in, then by one that reads and
// one that writes.
type Stream struct {
	tcp       *inbound // what ends everything when it is closed
	conn      net.Conn // tcp or TLS over it
	framed    bool     // over a WebSocket: elements are messages (RFC 7395)
	framer    *wire.Framer
	offered   features
	trace     *Trace
	malformed int // elements that did not parse
}

func newStream(conn net.Conn) *Stream {
	in := newInbound(conn)
	return &Stream{tcp: in, conn: in}
}

// Heard is when something came last. Any goroutine may ask.
func (s *Stream) Heard() time.Time { return s.tcp.heard() }

// Close ends the connection at once. It does not close the TLS layer: that
// may wait for a write that is blocked.
func (s *Stream) Close() { _ = s.tcp.Close() }

// open starts the stream, anew after TLS and after SASL, and reads what the server offers
// there.
func (s *Stream) open(domain string) error {
	s.framer = wire.NewFramer(s.conn, maxInbound)
	begin := s.openHeader
	if s.framed {
		begin = s.openFrame
	}
	if err := begin(domain); err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	e, err := s.Next()
	if err != nil {
		return err
	}
	s.offered, err = parseFeatures(e)
	return err
}

// openHeader greets the server by the root element of our stream, and reads its own.
func (s *Stream) openHeader(domain string) error {
	err := s.write(fmt.Sprintf("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xml:lang='en' "+
		"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", wire.Escape(domain)))
	if err == nil {
		_, err = s.framer.Header()
	}
	return err
}

// Next returns the next element of the stream. A stream error comes back as a
// *Condition.
func (s *Stream) Next() (wire.Element, error) {
	for {
		frame, err := s.framer.Next()
		if err == io.EOF { //nolint:errorlint // the framer returns it bare, as io.Reader asks
			return wire.Element{}, ErrClosed
		}
		if err != nil {
			return wire.Element{}, fmt.Errorf("read stream: %w", err)
		}
		e, err := wire.Parse(frame)
		switch {
		case err != nil:
			s.malformed++ // one bad element does not end the stream
			continue
		case string(e.Name) == "stream:error":
			return e, fmt.Errorf("server ended the stream: %w", condition(e, OfStream))
		case s.framed && isFrame(e, "close"):
			return e, ErrClosed
		default:
			return e, nil
		}
	}
}

// write sends text as it is.
func (s *Stream) write(text string) error {
	if _, err := io.WriteString(s.conn, text); err != nil {
		return fmt.Errorf("write stream: %w", err)
	}
	return nil
}

// secure puts TLS over the connection. The certificate must prove the domain,
// whatever host the connection went to (RFC 6120, 13.7.2).
func (s *Stream) secure(ctx context.Context, cfg *tls.Config) error {
	conn := tls.Client(s.tcp, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	s.conn = conn
	s.trace.secured(conn.ConnectionState())
	return nil
}

// Bound limits everything that the stream does by ctx, until the result is
// called.
func (s *Stream) Bound(ctx context.Context) (release func()) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = s.tcp.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, s.Close)
	return func() {
		stop()
		_ = s.tcp.SetDeadline(time.Time{})
	}
}
