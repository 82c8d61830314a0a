package outbox

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Outbox holds the messages in flight, in the order in which they were
// submitted. It outlives connections.
type Outbox struct {
	places *places
	closed chan struct{}
	wake   chan struct{} // capacity 1: something is settled

	mu       sync.Mutex
	ids      *Minter
	ledger   *ledger
	inflight map[string]*entry
	queue    []*entry // in order; settled ones stay until they are at the front
	recent   recent
	history  history
	link     Link
	from     string    // our address in the room, as long as there is a link
	oldest   time.Time // since when the front of the queue is the front
	settled  []settlement
	spare    []settlement // its memory, for the next batch
}

// Link is the way to the room while we are in it.
type Link interface {
	// Post writes a message to a buffer. It must not block: the outbox calls
	// it while it is locked, because that is what keeps the order.
	Post(id, body, extra string)
}

type entry struct {
	Message
	id      string
	sent    bool   // it may have reached the room
	from    string // our address then
	sentAt  time.Time
	again   bool // the room has shown it, and may have forgotten
	bounces int  // for reasons that may have been the room's
	over    bool // settled
}

// New makes one for so many messages in flight, with ids by m. It remembers twice
// as many of those that were shown last.
func New(maxInFlight int, m *Minter) *Outbox {
	return &Outbox{
		places:   newPlaces(maxInFlight),
		closed:   make(chan struct{}),
		wake:     make(chan struct{}, 1),
		recent:   recent{limit: 2 * maxInFlight},
		history:  history{told: make(map[string]evidence)},
		ids:      m,
		ledger:   newLedger(m),
		inflight: make(map[string]*entry, maxInFlight),
	}
}

// Submit waits until one more message may be in flight, and takes m.
func (b *Outbox) Submit(ctx context.Context, m Message) error {
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
		b.Flush()
	}
	if n > 0 && n&(n-1) == 0 && n <= cap(b.places.taken)/2 { // 1, 2, 4, 8 …
		// A server that has shown all it had should not wait for a full outbox:
		// the writer has its turn early, and then more and more rarely.
		runtime.Gosched()
	}
	return nil
}

// refusal is why m is not taken, although there was a place for it.
func (b *Outbox) refusal(m Message) error {
	switch {
	case isClosed(b.closed):
		return ErrClosed
	case isClosed(m.Lost):
		return ErrLost
	default:
		return nil
	}
}

// enter takes m, which has a place.
func (b *Outbox) enter(m Message) {
	e := &entry{Message: m, id: b.ids.ID(m.Identity)}
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

func (b *Outbox) send(e *entry) {
	b.link.Post(e.id, e.Body, e.Extra)
	e.sent, e.sentAt, e.from = true, time.Now(), b.from
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

// Close gives up what is in flight, for good.
func (b *Outbox) Close() {
	b.mu.Lock()
	b.link = nil
	for _, e := range slices.Clone(b.queue) { // settling shortens it
		if !e.over {
			b.settle(e, Result{Outcome: Dropped, Err: ErrClosed})
		}
	}
	if !isClosed(b.closed) {
		close(b.closed)
	}
	b.mu.Unlock()
}

// Closed is closed when nothing more is taken.
func (b *Outbox) Closed() <-chan struct{} { return b.closed }

// Stalled returns how long the oldest message has been waiting as the oldest.
// The age of a message says little: a throttled server shows one after the
// other. But servers keep the order, so one that stays in front is lost.
func (b *Outbox) Stalled(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link == nil || len(b.queue) == 0 {
		return 0
	}
	return now.Sub(b.oldest)
}

// Size counts the messages in flight.
func (b *Outbox) Size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.inflight)
}

// Width is how many messages may be in flight.
func (b *Outbox) Width() int { return b.places.width() }

// Narrow lets no more than n messages be in flight from now on. It reports whether
// there could be more.
func (b *Outbox) Narrow(n int) bool { return b.places.narrow(n) }

// settle takes e out of the outbox. The caller holds the lock.
func (b *Outbox) settle(e *entry, r Result) {
	r.ID = e.id
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

// front returns the oldest message in flight, nil if there is none.
func (b *Outbox) front() *entry {
	for _, e := range b.queue {
		if !e.over {
			return e
		}
	}
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
