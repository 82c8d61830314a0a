package sink

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// session is one visit to the room: from the join to whatever ends it. It is never
// reused; the Room starts another.
//
// Three goroutines: run reads and handles stanzas in order, one writes, one
// watches for silence. All state that is not shared belongs to the reader, and is
// fixed once entered is closed.
type session struct {
	*Room
	conn         *conn.Conn
	occupant     occupant
	format       format
	quote        quote
	catchup      catchup
	phase        phase
	unproven     []unproven  // reflections without an id that we know, until it is known why
	newLimit     int         // of the length of a stanza, which the server refused; 0: none
	askedMissing atomic.Bool // the room was asked for what is missing
	proving      atomic.Bool // it was asked whether it is there
	gone         error       // our presence was ended without a word; the server may say more

	onEnter func()
	entered chan struct{} // closed when we are in the room
	proof   *time.Timer   // when it is to be asked whether others have got the last digest
}

// phase says how far the session has come.
type phase int

const (
	joining  phase = iota // waiting for our own presence
	catching              // reading the room's history
	inRoom                // sending
)

func newSession(r *Room, c *conn.Conn, onEnter func()) *session {
	_, service, _ := strings.Cut(r.cfg.Room, "@")
	s := &session{
		Room: r, conn: c, onEnter: onEnter, entered: make(chan struct{}), proof: time.NewTimer(longestTick),
		occupant: occupant{room: r.cfg.Room, service: service, preferred: r.cfg.Nickname(), nick: r.cfg.Nickname()},
		catchup:  catchup{echoID: rand.Text()},
		format:   format{head: messageHead(r.cfg.Room), maxBytes: r.stanzaBytes(time.Now()), originIDs: &r.learned.originIDs},
	}
	if c.MaxStanzaBytes > 0 {
		s.format.maxBytes = max(minStanzaBytes, min(s.format.maxBytes, c.MaxStanzaBytes))
	}
	c.MustAnswer = s.occupant.official
	return s
}

// run is in the room until ctx ends, which makes it leave politely, or until
// something goes wrong. setup, the context of the login, bounds the join as well.
func (s *session) run(ctx, setup context.Context) error {
	release := s.conn.Bound(setup)
	enter := s.onEnter
	s.onEnter = func() { release(); enter() }
	s.conn.BeforeRead(s.handled)

	var helpers sync.WaitGroup
	helpers.Go(func() { s.conn.Write(s.cfg.ConnectTimeout) })
	helpers.Go(func() { s.watch(ctx) })
	s.join()
	err := s.conn.Read(s.handle)
	s.conn.Fail(named(endReason(s.gone, err)))
	helpers.Wait()
	release()
	if malformed, oversized := s.conn.Dropped(); malformed+oversized > 0 {
		s.log.Warn("dropped malformed or oversized stanzas", "malformed", malformed, "oversized", oversized)
	}
	end := s.conn.End()
	if c, ok := blames(end); ok && s.phase == inRoom {
		s.newLimit = s.box.StreamEnded(c, c.Name == "policy-violation", s.format.size)
	}
	s.box.Detach(endingOf(end))
	return end
}

// handle takes a stanza.
func (s *session) handle(e wire.Element) error {
	switch {
	case e.Is("message"):
		return s.unlessGone(s.message(e))
	case e.Is("presence"):
		return s.unlessGone(s.presence(e))
	default:
		return nil
	}
}

// message takes what the room shows, and what it refuses.
func (s *session) message(e wire.Element) error {
	if s.phase == joining {
		s.quote.listen(e, &s.occupant)
	}
	if s.phase == catching && string(e.ID) == s.catchup.echoID { // nobody but our server has seen this id
		return s.echo()
	}
	switch string(e.Type) {
	case "groupchat":
		switch {
		case !s.occupant.inRoom(e.From):
		case s.phase == catching && string(e.From) == s.occupant.room && e.Has("subject") && !e.Has("body"):
			return s.topic()
		default:
			s.shown(e)
		}
	case "", "normal":
		if s.phase == catching && string(e.From) == s.occupant.room {
			return s.archived(e)
		}
	case "error":
		if s.gone == nil && s.occupant.official(e.From) { // else it says nothing of the message
			return s.bounced(e)
		}
	}
	return nil
}

// Post and Send implement outbox.Link.
func (s *session) Post(id string, c outbox.Content) {
	s.conn.Append(func(b []byte) []byte { return s.format.append(b, id, c) })
}

func (s *session) Send() { s.conn.Flush() }
