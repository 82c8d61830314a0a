package sink

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// session is one stay in the room: from the login over the join to whatever
// ends it. It is never reused; the Room starts another.
//
// Three goroutines: run reads and handles stanzas in order, one writes, one
// watches for silence. All state that is not shared belongs to the reader.
type session struct {
	cfg      *Config
	log      *slog.Logger
	observer Observer
	stream   *stream
	out      *writer
	box      *outbox
	joined   func() // called when we are in the room

	me            string // our full JID
	domain        string // our server
	room, service string
	head          []byte       // of every message stanza
	maxBytes      int          // of every message stanza
	blamed        int          // what maxBytes must not exceed from now on, 0: whatever it likes
	keepsIDs      *atomic.Bool // the room has reflected one of ours
	originIDs     *atomic.Bool // send them: the room does not keep our ids
	nickFree      atomic.Bool  // we have another than the preferred nickname, and that is free
	nickBackAfter time.Time    // when we may leave for its sake

	// The reader's, and fixed once entered is closed.
	phase       phase
	catchup     catchup
	skipArchive bool // it did not answer the last time
	depth       *depth
	idle        time.Duration // after which the server drops us, 0: not known
	nick        string
	occupant    string // our address in the room, as the room writes it
	suspect     string // id of the message that bounces again and again, "" for none
	charge      *Condition
	accomplices bool   // others have bounced since
	gone        error  // our seat was taken without a word; the server may say more
	nicks       int    // how many nicknames have been tried
	role        string // what we may do in the room
	affiliation string // what we are to the room
	joinID      string // of our join, which some services show to everybody
	askID       string // begins the ids of our requests
	answeredFor bool   // our server answers for the room

	entered chan struct{} // closed when we are in the room
	ended   chan struct{} // closed when the session is over, with end set
	end     error
	endOnce sync.Once
}

// phase says how far the stay has come.
type phase int

const (
	joining  phase = iota // waiting for our own presence
	catching              // reading the room's history
	inRoom                // sending
)

// run stays in the room until ctx ends, which makes it leave politely, or
// until something goes wrong. setup, the context of the login, bounds the
// join as well.
func (s *session) run(ctx, setup context.Context) error {
	release := s.stream.bound(setup)
	enter := s.joined
	s.joined = func() { release(); enter() }
	s.stream.beforeRead = s.handled

	var helpers sync.WaitGroup
	helpers.Go(s.write)
	helpers.Go(func() { s.watch(ctx) })
	s.join()
	s.fail(s.read())
	helpers.Wait()
	release()
	if malformed, big := s.stream.malformed, s.stream.framer.Dropped(); malformed+big > 0 {
		s.log.Warn("dropped what the server passed on", "malformed", malformed, "too_big", big)
	}
	if c, ok := blames(s.end); ok && s.phase == inRoom {
		s.blamed = s.box.blame(c, func(id, body, extra string) int { return len(s.stanza(nil, id, body, extra)) })
	}
	s.box.detach(endingOf(s.end), s.stream.heard())
	return s.end
}

// fail ends the session with err, unless it has ended before.
func (s *session) fail(err error) {
	s.endOnce.Do(func() {
		s.end = err
		close(s.ended)
		s.stream.close()
	})
}

// lastWords is how long a server that takes nothing more, or has taken our seat
// without a word, may still be heard. One that stops says so, and tells what it
// has shown, but closes its end first.
const lastWords = time.Second

// write sends what is posted until the session ends, or ends it.
func (s *session) write() {
	err := s.out.run(s.stream.conn, s.cfg.ConnectTimeout, s.ended)
	if err == nil {
		return
	}
	select {
	case <-s.ended:
	case <-time.After(lastWords):
		s.fail(err)
	}
}

// read handles stanzas, in order, until one of them ends the session.
func (s *session) read() error {
	for {
		e, err := s.stream.next()
		if err != nil {
			return farewell(s.gone, err)
		}
		switch {
		case e.Is("message"):
			err = s.message(e)
		case e.Is("presence"):
			err = s.presence(e)
		case e.Is("iq"):
			err = s.iq(e)
		}
		if err != nil && s.gone == nil { // else it only says so once more
			return err
		}
	}
}

// message takes what the room shows, and what it refuses.
func (s *session) message(e wire.Element) error {
	if s.phase == catching && string(e.ID) == s.askID+echoSuffix { // nobody but our server has seen this id
		return s.echo()
	}
	switch string(e.Type) {
	case "groupchat":
		switch {
		case !s.fromRoom(e.From):
		case s.phase == catching && string(e.From) == s.room && e.Has("subject") && !e.Has("body"):
			return s.topic()
		default:
			s.shown(e)
		}
	case "", "normal":
		if s.phase == catching && string(e.From) == s.room {
			return s.archived(e)
		}
	case "error":
		if s.gone == nil && s.official(e.From) { // else it says nothing of the message
			return s.bounced(e)
		}
	}
	return nil
}

// shown takes a message of the room: live, or from its history or archive.
func (s *session) shown(e wire.Element) {
	if s.phase == catching && !s.catchup.done && len(e.From) > len(s.room) { // not what the room itself says
		s.catchup.replayed++
	}
	own := string(e.From) == s.occupant
	if s.box.seen(e.ID, e.From, own) {
		if own && s.phase == inRoom {
			s.depth.shown++
		}
		if own && !s.keepsIDs.Load() {
			s.keepsIDs.Store(true)
		}
		return
	}
	if !own || s.keepsIDs.Load() {
		return // not ours: another connection with our nickname
	}
	// A room that does not keep ids: the origin id (XEP-0359) may be there, or
	// else the text of the message that is next in order.
	for child := range e.Children() {
		switch {
		case string(child.Name) == "origin-id" && string(child.XMLNS) == nsStanzaID:
			if s.box.seen(child.ID, e.From, own) {
				return
			}
		case child.Is("body") && s.box.seenText(child.Text()) && !s.originIDs.Swap(true):
			s.log.Warn("the room does not keep ids: recognising messages by their text and order", "room", s.room)
		}
	}
}

// enter starts sending: we are in the room and know its history.
func (s *session) enter() {
	s.phase = inRoom
	s.measure()
	close(s.entered)
	if resent, doubtful := s.box.attach(s, s.occupant); resent > 0 {
		s.log.Info("sent again what may not have been shown", "messages", resent, "perhaps_shown_twice", doubtful)
		s.observer.tell(Event{Kind: Resent, Messages: resent, Doubtful: doubtful})
	}
	s.joined()
}

// official reports whether from speaks for the room. Services differ in who an
// answer or an error is from, but it is never another occupant: they could
// make one up.
func (s *session) official(from []byte) bool {
	f := string(from)
	return f == s.room || f == s.service || f == s.occupant
}

// fromRoom reports whether from is the room or somebody in it.
func (s *session) fromRoom(from []byte) bool {
	bare, _, _ := bytes.Cut(from, []byte("/"))
	return string(bare) == s.room
}
