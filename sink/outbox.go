package sink

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// outbox is the window of messages on their way to the room, in the order in
// which they were submitted. It outlives connections and knows nothing of
// XMPP: a session attaches itself as the link, and tells what the room shows.
type outbox struct {
	slots  chan struct{} // one element per message in the window, and per place that is not used
	closed chan struct{}

	mu       sync.Mutex
	ledger   *ledger
	inflight map[string]*entry
	queue    []*entry // in order; settled ones stay until they are at the front
	recent   recent
	link     link
	seat     string    // our address in the room, as long as there is a link
	oldest   time.Time // since when the front of the queue is the front
	recall   recall
	settled  []settlement
	surplus  int // places of the window that are not to be used
	unused   int // of them, those that are taken already
}

// link is the way to the room while we are in it.
type link interface {
	// post writes a message to a buffer. It must not block: the outbox calls
	// it while it is locked, because that is what keeps the order.
	post(id, body, extra string)
}

type entry struct {
	Message
	id      string
	sent    bool   // it may have reached the room
	seat    string // from where
	sentAt  time.Time
	again   bool // the room has shown it, and may have forgotten
	bounces int  // for reasons that may have been the room's
	over    bool // settled
}

type settlement struct {
	done   func(Result) // nil for one that had been settled before
	result Result
}

// maxUnclear is how often a message may bounce for a reason that may have been
// the room's, each time after a fresh join. The next time the room is asked
// whether we are in it.
const maxUnclear = 2

var errSuspect = errors.New("message bounces again and again")

func newOutbox(window int, l *ledger) *outbox {
	return &outbox{
		slots:    make(chan struct{}, window),
		recent:   recent{limit: window},
		closed:   make(chan struct{}),
		recall:   recall{told: make(map[string]proof)},
		ledger:   l,
		inflight: make(map[string]*entry, window),
	}
}

// submit waits for a free place in the window and puts m into it.
func (b *outbox) submit(ctx context.Context, m Message) error {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-m.Lost:
		return ErrLost
	case <-b.closed:
		return ErrClosed
	}
	b.mu.Lock()
	if isClosed(b.closed) {
		b.mu.Unlock()
		<-b.slots
		return ErrClosed
	}
	b.enter(m)
	settled := len(b.settled) > 0
	b.mu.Unlock()
	if settled {
		b.flush()
	}
	return nil
}

// enter puts m, which has a slot, into the window.
func (b *outbox) enter(m Message) {
	e := &entry{Message: m, id: b.ledger.minter.id(m.Identity)}
	twin, twins := b.inflight[e.id]
	switch {
	case b.ledger.has(e.id):
		b.settle(e, Result{Outcome: Suppressed})
		return
	case twins:
		twin.Done = both(twin.Done, m.Done)
		if isClosed(twin.Lost) {
			twin.Lost = m.Lost // it has come back to us
		} else if twin.Lost != m.Lost {
			twin.Lost = nil // one of the two stays ours
		}
		<-b.slots
		return
	}
	if len(b.queue) == 0 {
		b.oldest = time.Now()
	}
	b.inflight[e.id] = e
	b.queue = append(b.queue, e)
	if b.link != nil {
		b.send(e)
	}
}

func (b *outbox) send(e *entry) {
	b.link.post(e.id, e.Body, e.Extra)
	e.sent, e.sentAt, e.seat = true, time.Now(), b.seat
}

// both settles two submissions of one notification with one reflection.
func both(first, second func(Result)) func(Result) {
	return func(r Result) {
		first(r)
		if r.Outcome == Delivered {
			r.Outcome = Suppressed
		}
		second(r)
	}
}

// seen records a message that the room showed from a seat: ours if own, else
// another occupant's. It reports whether a worker made the id. Only our own
// reflection settles a message that is on its way, in a history also one from
// the seat that we had when it was sent; what another worker showed is
// remembered. The session calls flush after a batch of them.
func (b *outbox) seen(id, seat []byte, own bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ours := b.inflight[string(id)]
	made, p := b.ledger.add(id, seat, ours)
	if ours && (own || b.link == nil && string(seat) == e.seat) {
		p = b.shown(e)
	}
	if made && b.link == nil {
		b.recall.add(string(id), p)
	}
	return made
}

// seenText is seen for a room that does not keep ids, as the last resort: the
// message is ours, so it is the next in order if the text is the same.
func (b *outbox) seenText(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.front(); e != nil && e.sent && sameText(e.Body, text) {
		b.ledger.add([]byte(e.id), nil, true)
		if p := b.shown(e); b.link == nil {
			b.recall.add(e.id, p)
		}
		return true
	}
	if b.link == nil {
		b.recall.proof = max(b.recall.proof, b.recent.prove(text))
	}
	return false
}

// sameText reports whether the room would show body as text, perhaps cut.
func sameText(body, text string) bool {
	body = wire.Clean(body)
	start, cut := strings.CutSuffix(text, cutMark)
	return body == text || cut && strings.HasPrefix(body, start)
}

// shown settles e as delivered. It returns what it proves if it was found in
// the history: the room was shown our messages in order, so behind the first of
// them there is no hole.
func (b *outbox) shown(e *entry) proof {
	r, p, now := Result{Outcome: Delivered}, remembers, time.Now()
	if b.link != nil { // else it was found in the history
		r.Took = now.Sub(e.sentAt)
	}
	if b.front() == e {
		p = complete
	}
	b.settle(e, r)
	b.recent.add(e, now)
	return p
}

// front returns the oldest message in the window, nil if there is none.
func (b *outbox) front() *entry {
	for _, e := range b.queue {
		if !e.over {
			return e
		}
	}
	return nil
}

// remembered reports whether the room has told, since we came back, everything
// that it showed meanwhile: back to something that we knew.
func (b *outbox) remembered() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recall.proof == complete
}

// forgot reports whether the room has told nothing that we knew.
func (b *outbox) forgot() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recall.proof == nothing
}

// narrow lowers the window to n messages, as those on their way are settled.
// It reports whether it was wider.
func (b *outbox) narrow(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	surplus := cap(b.slots) - n
	wider := surplus > b.surplus
	b.surplus = max(b.surplus, surplus)
	return wider
}

// inDoubt reports whether anything was sent of which we do not know whether the
// room has shown it.
func (b *outbox) inDoubt() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.queue, func(e *entry) bool { return e.sent && !e.over && !b.ledger.has(e.id) })
}

// bounce takes an error stanza for the message id. It returns an error if the
// session must be repaired before the message is sent again, and errSuspect if
// the message is to be rejected, should we still be in the room.
func (b *outbox) bounce(id []byte, c *Condition) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.inflight[string(id)]
	if !ok {
		return nil
	}
	switch judge(c) {
	case aboutMessage:
		b.settle(e, Result{Outcome: Rejected, Err: c})
		return nil
	case unclear:
		if e.bounces++; e.bounces > maxUnclear {
			return errSuspect
		}
	case aboutRoom: // repair
	}
	return c
}

// reject gives up the message id.
func (b *outbox) reject(id string, c *Condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.inflight[id]; ok {
		b.settle(e, Result{Outcome: Rejected, Err: c})
	}
}

// attach starts sending through l, from a seat: first, in order, whatever is in the window
// and has not been shown, as the room's history told before. It returns how
// many messages it sent again, and how many of them the room may show twice.
//
// A history without anything that we knew comes from a server that has
// forgotten, and cannot tell what it had shown. What was on its way is sent
// again, and so is what was reflected last: the copies for others may have
// died with the server.
func (b *outbox) attach(l link, seat string) (resent, doubtful int) {
	b.mu.Lock()
	b.link, b.seat = l, seat
	if b.recall.proof == nothing {
		b.queue = append(b.recent.entries(), b.queue...)
	}
	b.recent.clear()
	for _, e := range b.queue {
		switch {
		case e.over:
		case !e.again && b.ledger.has(e.id):
			b.settle(e, Result{Outcome: Delivered})
		case isClosed(e.Lost):
			b.settle(e, Result{Outcome: Dropped, Err: ErrLost})
		default:
			if e.sent {
				resent++
			}
			b.inflight[e.id] = e
			b.send(e)
		}
	}
	if b.recall.proof != complete {
		doubtful = resent
	}
	b.recall.clear()
	b.oldest = time.Now()
	b.mu.Unlock()
	b.flush()
	return resent, doubtful
}

// detach stops sending. What is in the window stays there, in doubt. After an
// orderly end the server had told everybody what it told us; last is when it
// told us anything.
func (b *outbox) detach(orderly bool, last time.Time) {
	b.mu.Lock()
	b.link = nil
	b.recall.interrupt()
	if b.recent.end(last); orderly {
		b.recent.clear()
	}
	b.mu.Unlock()
	b.flush()
}

// close gives up what is in the window, for good.
func (b *outbox) close() {
	b.mu.Lock()
	b.link = nil
	if !isClosed(b.closed) {
		close(b.closed)
	}
	for _, e := range b.queue {
		if !e.over {
			b.settle(e, Result{Outcome: Dropped, Err: ErrClosed})
		}
	}
	b.mu.Unlock()
	b.flush()
}

// stalled returns how long the oldest message has been waiting as the oldest.
// The age of a message says little: a throttled server shows one after the
// other. But servers keep the order, so one that stays in front is lost.
func (b *outbox) stalled(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link == nil || len(b.queue) == 0 {
		return 0
	}
	return now.Sub(b.oldest)
}

// size counts the messages in the window.
func (b *outbox) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.inflight)
}

// settle takes e out of the window. The caller holds the lock; flush calls
// back without it.
func (b *outbox) settle(e *entry, r Result) {
	b.settled = append(b.settled, settlement{e.Done, r})
	e.over = true
	if b.inflight[e.id] == e {
		delete(b.inflight, e.id)
	}
	for len(b.queue) > 0 && b.queue[0].over {
		b.queue[0] = nil
		b.queue = b.queue[1:]
		b.oldest = time.Now()
	}
}

// flush reports settled messages and then frees their places, in batches: a
// place at a time would make a write of every message.
func (b *outbox) flush() {
	b.mu.Lock()
	batch := b.settled
	b.settled = nil
	b.mu.Unlock()
	places := 0
	for _, s := range batch {
		if s.done != nil {
			s.done(s.result)
			places++
		}
	}
	b.free(places)
}

// free frees places of the window, but for those that are not to be used.
func (b *outbox) free(places int) {
	b.mu.Lock()
	keep := min(places, b.surplus-b.unused)
	b.unused += keep
	b.mu.Unlock()
	for range places - keep {
		<-b.slots
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
