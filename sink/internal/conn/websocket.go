package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// SchemeWebSocket begins the address of a server that is reached by WebSocket (RFC 7395).
const SchemeWebSocket = "wss://"

const (
	subprotocol = "xmpp"
	nsFraming   = "urn:ietf:params:xml:ns:xmpp-framing"
	closeFrame  = "<close xmlns='" + nsFraming + "'/>"
)

// errNoWebSocket says that a URL leads to something else.
var errNoWebSocket = errors.New("no XMPP over WebSocket")

// dialWebSocket opens a WebSocket to a URL. TLS has proven its host by then. It is not
// sent elsewhere: that might be without TLS.
func (a *Account) dialWebSocket(ctx context.Context, url string) (*Stream, error) {
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: a.tls, DialContext: a.dialTCP},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ws, answer, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{subprotocol}}) //nolint:bodyclose // the library does it
	switch {
	case err != nil && answer != nil:
		return nil, fmt.Errorf("%w: the server answers %s", errNoWebSocket, answer.Status)
	case err != nil:
		return nil, err
	case ws.Subprotocol() != subprotocol:
		_ = ws.CloseNow()
		return nil, fmt.Errorf("%w: the server takes another protocol", errNoWebSocket)
	}
	s := newStream(newElements(ws))
	s.framed, s.trace = true, a.Trace
	s.trace.secured(*answer.TLS)
	return s, nil
}

// elements is a connection over a WebSocket: every element that is written becomes a
// message of its own.
type elements struct {
	net.Conn // each Write to it is a message
	ws       *websocket.Conn
	end      context.CancelFunc
	limit    atomic.Pointer[time.Time] // of reading; nil or zero: none
	pending  bytes.Buffer
	framer   *wire.Framer // of pending
}

func newElements(ws *websocket.Conn) *elements {
	ctx, end := context.WithCancel(context.Background())
	e := &elements{Conn: websocket.NetConn(ctx, ws, websocket.MessageText), ws: ws, end: end}
	e.framer = wire.NewFramer(&e.pending, maxInbound)
	return e
}

// Write takes any part of a stream. What is not whole waits for the rest.
func (e *elements) Write(p []byte) (int, error) {
	e.pending.Write(p)
	for {
		element, err := e.framer.Next()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF): // all that there is has been taken
			return len(p), nil
		case errors.Is(err, io.EOF):
			element = []byte(closeFrame)
		case err != nil:
			return 0, err
		}
		if _, err := e.Conn.Write(standalone(element)); err != nil {
			return 0, err
		}
	}
}

// standalone gives a stanza the namespace that it has in a stream from its root.
func standalone(element []byte) []byte {
	stanza, err := wire.Parse(element)
	if err != nil || len(stanza.XMLNS) > 0 {
		return element
	}
	name := 1 + len(stanza.Name)
	return append(append(bytes.Clone(element[:name]), " xmlns='jabber:client'"...), element[name:]...)
}

// Read reports a limit that is over like other connections.
func (e *elements) Read(p []byte) (int, error) {
	n, err := e.Conn.Read(p)
	if limit := e.limit.Load(); err != nil && limit != nil && !limit.IsZero() && !time.Now().Before(*limit) {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func (e *elements) SetDeadline(t time.Time) error {
	return errors.Join(e.SetReadDeadline(t), e.SetWriteDeadline(t))
}

func (e *elements) SetReadDeadline(t time.Time) error {
	e.limit.Store(&t) // with its monotonic clock
	return e.Conn.SetReadDeadline(t)
}

// Close ends the connection at once, without a word.
func (e *elements) Close() error {
	e.end()
	return e.ws.CloseNow()
}

// overWebSocket reports whether the address is a URL.
func (a *Account) overWebSocket() bool { return strings.HasPrefix(a.Addr, SchemeWebSocket) }

// openFrame greets the server as RFC 7395 says (3.4), and reads its answer.
func (s *Stream) openFrame(domain string) error {
	if err := s.write(fmt.Sprintf("<open xmlns='%s' to='%s' version='1.0' xml:lang='en'/>", nsFraming, wire.Escape(domain))); err != nil {
		return err
	}
	e, err := s.Next()
	if err == nil && !isFrame(e, "open") {
		err = fmt.Errorf("%w: %.40q", wire.ErrNoStream, e.Raw)
	}
	return err
}

// isFrame reports whether e begins or ends a stream over a WebSocket.
func isFrame(e wire.Element, name string) bool {
	return string(e.Name) == name && string(e.XMLNS) == nsFraming
}
