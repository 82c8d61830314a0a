package sink

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// outbox is the window of messages on their way to the room, in the order in
// which they were submitted. It outlives connections and knows nothing of
// XMPP: a session attaches itself as the link, and tells what the room shows.
type outbox struct {
	places *places
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

// newOutbox makes one for so many messages in flight. It remembers twice as many
// of those that were shown last.
func newOutbox(maxInFlight int, l *ledger) *outbox {
	return &outbox{
		places:   newPlaces(maxInFlight),
		recent:   recent{limit: 2 * maxInFlight},
		closed:   make(chan struct{}),
		recall:   recall{told: make(map[string]worth)},
		ledger:   l,
		inflight: make(map[string]*entry, maxInFlight),
	}
}

// submit waits for a free place in the window and puts m into it.
func (b *outbox) submit(ctx context.Context, m Message) error {
	select {
	case b.places.taken <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-m.Lost:
		return ErrLost
	case <-b.closed:
		return ErrClosed
	}
	b.mu.Lock()
	if err := b.refusal(m); err != nil {
		b.mu.Unlock()
		b.places.free(1)
		return err
	}
	b.enter(m)
	settled, n := len(b.settled) > 0, len(b.inflight)
	b.mu.Unlock()
	if settled {
		b.flush()
	}
	if n > 0 && n&(n-1) == 0 && n <= cap(b.places.taken)/2 { // 1, 2, 4, 8 …
		// A server that has shown all it had should not wait for a whole window:
		// the writer has its turn early, and then more and more rarely.
		runtime.Gosched()
	}
	return nil
}

// refusal is why m is not taken, although there was a place for it.
func (b *outbox) refusal(m Message) error {
	switch {
	case isClosed(b.closed):
		return ErrClosed
	case isClosed(m.Lost):
		return ErrLost
	default:
		return nil
	}
}

// enter puts m, which has a place, into the window.
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
		b.places.free(1)
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

// close gives up what is in the window, for good.
func (b *outbox) close() {
	b.mu.Lock()
	b.link = nil
	if !isClosed(b.closed) {
		close(b.closed)
	}
	for _, e := range slices.Clone(b.queue) { // settling shortens it
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
	free := 0
	for _, s := range batch {
		if s.done != nil {
			s.done(s.result)
			free++
		}
	}
	b.places.free(free)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
