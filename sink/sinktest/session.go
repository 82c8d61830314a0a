package sinktest

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// session is one client. One goroutine reads and does what the client asks,
// one writes; the first waits for the second.
type session struct {
	srv    *Server
	direct bool // TLS from the first byte
	wire   *wire
	conn   net.Conn // the wire, or TLS on top of it
	in     *stanzaReader
	out    *outbox

	user, bare, jid, mechanism string // known after the login, constant after register

	late struct { // history that answers may overtake
		sync.Mutex
		history []string
	}

	// Guarded by room.mu.
	occupant  *occupant
	available bool // has sent its initial presence
}

func newSession(srv *Server, w *wire, direct bool) *session {
	return &session{
		srv: srv, direct: direct, wire: w, conn: w,
		in:  newStanzaReader(w, srv.cfg.MaxStanzaBytes),
		out: newOutbox(srv.cfg.MaxQueueBytes),
	}
}

// remote is the address of the other end.
func (s *session) remote() string { return s.wire.RemoteAddr().String() }

func (s *session) encrypted() bool {
	_, ok := s.conn.(*tls.Conn)
	return ok
}

// run serves the client until the connection has ended.
func (s *session) run() {
	defer func() { _ = s.wire.Close() }() // closing twice does no harm
	err := s.negotiate()
	var writer sync.WaitGroup
	writer.Go(func() { s.out.drain(s.conn, s.wire) })
	if err == nil {
		err = s.serve()
	}
	s.srv.unregister(s)
	s.out.finish(closingXML(err))
	writer.Wait()
	_, _ = io.Copy(io.Discard, s.conn) // so that unread input does not turn our last words into a reset
}

// serve handles stanzas until the stream ends, and returns why it did.
func (s *session) serve() error {
	for {
		n, err := s.in.next()
		if errors.Is(err, errTooBig) && s.srv.cfg.Profile.SilentOversize {
			s.wire.own.close()
			_, err = io.Copy(io.Discard, s.conn) // neither reads nor writes until somebody else ends it
			return cmp.Or(err, net.ErrClosed)
		}
		if err != nil {
			return err
		}
		if s.out.finished() {
			continue // the stream has ended
		}
		if err := s.handle(n); err != nil {
			return err
		}
	}
}

func (s *session) handle(n *node) error {
	if n.name.Space != nsClient {
		return streamError{condition: "unsupported-stanza-type"}
	}
	switch n.name.Local {
	case "iq":
		s.iq(n)
	case "presence":
		s.presence(n)
	case "message":
		s.message(n)
	default:
		return streamError{condition: "unsupported-stanza-type"}
	}
	return nil
}

// presence is either general (RFC 6121) or for an occupant of the room (XEP-0045).
func (s *session) presence(n *node) {
	kind, to := n.attr("type"), n.attr("to")
	bare, nick, _ := strings.Cut(to, "/")
	switch {
	case kind == "error":
	case to == "" && kind == "unavailable":
		s.srv.room.leave(s)
	case to == "" && kind == "":
		s.srv.room.setAvailable(s)
	case strings.ToLower(bare) != s.srv.room.jid:
		if kind != "unavailable" {
			s.bounce(n, StanzaError{Condition: "service-unavailable"})
		}
	case kind == "unavailable":
		s.srv.room.leave(s)
	case kind == "":
		s.srv.room.enter(s, nick, n)
	}
}

// message goes to the room, or nowhere.
func (s *session) message(n *node) {
	kind, to := n.attr("type"), n.attr("to")
	bare, nick, toOccupant := strings.Cut(to, "/")
	switch {
	case kind == "error":
	case to == s.jid:
		s.send("<message"+attrs("type", kind, "id", n.attr("id"), "from", s.jid, "to", s.jid)+">", n.inner, "</message>")
	case strings.ToLower(bare) != s.srv.room.jid:
		s.bounce(n, StanzaError{Condition: "service-unavailable"})
	case kind == "groupchat" && !toOccupant:
		s.srv.room.groupchat(s, n)
	case kind == "groupchat":
		s.bounce(n, StanzaError{Condition: "bad-request", Text: "Messages for all go to the room, not to " + nick})
	default:
		s.bounce(n, StanzaError{Condition: "service-unavailable"})
	}
}

// bounce answers a stanza with an error, from where it was sent to.
func (s *session) bounce(n *node, e StanzaError) {
	inner := ""
	if s.srv.cfg.Profile.EchoesErrors {
		inner = n.inner
	}
	by := ""
	if strings.HasPrefix(n.attr("to"), s.srv.room.jid) {
		by = s.srv.room.jid
	}
	s.answer("<"+n.name.Local+" type='error'"+attrs("id", n.attr("id"), "from", n.attr("to"), "to", s.jid)+">",
		inner, e.xml(by), "</"+n.name.Local+">")
}

// send queues output for the client.
func (s *session) send(parts ...string) {
	if s.srv.cfg.Profile.HistoryLags {
		s.catchUp()
	}
	s.answer(parts...)
}

// sendLate is send for the history.
func (s *session) sendLate(parts ...string) {
	if !s.srv.cfg.Profile.HistoryLags {
		s.answer(parts...)
		return
	}
	s.late.Lock()
	defer s.late.Unlock()
	s.late.history = append(s.late.history, parts...)
}

// catchUp sends the history that was late.
func (s *session) catchUp() {
	s.late.Lock()
	defer s.late.Unlock()
	if len(s.late.history) > 0 {
		s.answer(s.late.history...)
		s.late.history = nil
	}
}

// answer is send for what the server says itself. A client that does not read is dropped; its reader does the rest.
func (s *session) answer(parts ...string) {
	if !s.out.push(parts...) {
		s.wire.abort()
	}
}

// write is for the negotiation, when nobody else writes.
func (s *session) write(text string) error {
	if _, err := io.WriteString(s.conn, text); err != nil {
		return fmt.Errorf("write to client: %w", err)
	}
	return nil
}

// drop ends the session as a broken network would, and takes it out of the room at once.
func (s *session) drop() {
	s.wire.abort()
	s.srv.room.leave(s)
}

// info describes the session for tests.
func (s *session) info() Session {
	out := Session{JID: s.jid, Mechanism: s.mechanism, DirectTLS: s.direct, Remote: s.remote()}
	if secure, ok := s.conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		out.TLSVersion, out.ALPN = state.Version, state.NegotiatedProtocol
	}
	return out
}
