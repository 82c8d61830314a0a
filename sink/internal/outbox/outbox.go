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
	slots  slots
	closed chan struct{}

	mu          sync.Mutex
	ids         *Minter
	shownIDs    *shownIDs
	inflight    map[string]*entry
	queue       []*entry // in order
	yielded     int      // messages that have yielded their slots
	recent      recent
	history     history
	digests     digests
	corrections corrections
	alive       time.Time // the server was running then
	sending
	settling
}

// Link is the way to the room while we are in it.
type Link interface {
	// Post writes a message to a buffer, and Send has that sent. They must not
	// block: the outbox calls them while it is locked, because that is what keeps
	// the order.
	Post(id string, c Content)
	Send()
}

// Content is what a message says, beside its id.
type Content struct {
	Body, Extra string // as those of a Message
	Names       string // of the notifications that a digest shows; empty: it is none
	Replaces    string // id of the message that it corrects; empty: none
}

type entry struct {
	Member         // what it shows, if that is one notification
	digest *digest // what it shows, if that may be several
	Content
	others      related
	id          string
	state       state
	hasSlot     bool   // it has a slot
	yielded     bool   // it had one, and others have it now
	sent        bool   // it may have reached the room
	from        string // our address then
	sentAt      time.Time
	nth         uint64 // number of the sending
	shownBefore bool   // the room has shown it, and may have lost it
	failures
}

// related are the identities of other messages that decide how, or whether, one is
// posted.
type related struct{ corrects, accompanies string }

// failures are what is known of a message that the room did not show.
type failures struct {
	tries      int       // how often it has failed, for reasons that may have been the room's
	why        error     // the last of these reasons
	proven     bool      // the room has shown later ones
	alone      int       // how often it was sent alone
	notBefore  time.Time // when it may be sent alone again
	streamEnds int       // how often the server has ended the stream for it
	waits      int       // how often it was asked to wait while nothing else was in flight
	overtaken  int       // how often in a row the room has shown another one right after that
	refused    uint64    // its number when it was first asked to wait
}

// failing reports whether the room did not show the message when it could have. Only one
// that is shown later can prove that it is not the room's fault.
func (f *failures) failing() bool { return f.tries > 0 }

// yields reports whether it has failed so often that others take its slot, to be
// that proof.
func (f *failures) yields() bool { return f.tries >= maxTries }

// New makes one for so many messages in flight, with ids by m. It remembers twice
// as many of those that were shown last.
func New(maxInFlight int, m *Minter) *Outbox {
	return &Outbox{
		slots:    newSlots(maxInFlight),
		closed:   make(chan struct{}),
		settling: settling{wake: make(chan struct{}, 1)},
		sending:  sending{pace: newPacer(maxInFlight)},
		recent:   recent{limit: 2 * maxInFlight},
		digests:  newDigests(),
		history:  history{byID: make(map[string]evidence)},
		ids:      m,
		shownIDs: newShownIDs(m),
		inflight: make(map[string]*entry, maxInFlight),
	}
}

// Submit waits until m may be in flight, or be one of as many that are ready to
// follow, and takes it.
func (b *Outbox) Submit(ctx context.Context, m Message) error {
	select {
	case b.slots.submitted <- struct{}{}:
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
		b.slots.done(1)
		return err
	}
	before, now := b.count, time.Now()
	b.slots.ahead = append(b.slots.ahead, m)
	b.sendWaiting(now)
	b.tell(now)
	sent, n := b.count > before, b.in[outstanding]
	b.mu.Unlock()
	if sent && n&(n-1) == 0 && n <= b.slots.most/2 { // 1, 2, 4, 8 …
		// A server that has shown all it had should not wait for a full outbox:
		// the writer has its turn early, and then more and more rarely.
		runtime.Gosched()
	}
	return nil
}

// refusal is why m is not taken, although there was a slot for it.
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

// admit has messages be in flight, as long as there are slots.
func (b *Outbox) admit() {
	for m, ok := b.slots.next(); ok; m, ok = b.slots.next() {
		if isClosed(m.Lost) {
			b.giveBack(m, ErrLost)
		} else {
			b.enter(m)
		}
	}
}

// giveBack settles m, which was never in flight.
func (b *Outbox) giveBack(m Message, why error) {
	if len(m.Members) == 0 {
		m.Members = []Member{{Done: m.Done}}
	}
	for i, member := range m.Members {
		b.settled = append(b.settled, settlement{member.Done, Result{Outcome: Dropped, Err: why}, i == 0})
	}
}

// enter has m be in flight: there is a slot for it.
func (b *Outbox) enter(m Message) {
	e := &entry{hasSlot: true}
	if len(m.Members) > 0 {
		e.id, e.digest = b.ids.ID(""), b.gather(m)
	} else {
		member := Member{Identity: m.Identity, Lost: m.Lost, Done: m.Done, Origin: m.Origin}
		id, again := b.again(member, true)
		if again {
			return
		}
		e.id, e.Member, e.Content = id, member, Content{Body: m.Body, Extra: m.Extra}
		e.others = related{m.Corrects, m.Accompanies}
	}
	b.inflight[e.id] = e
	b.queue = append(b.queue, e)
	b.in[waiting]++
	b.slots.taken++
}

// again reports whether the room has shown a notification, or will when what is in
// flight is shown. Then m is settled by that, and needs no slot.
func (b *Outbox) again(m Member, submitted bool) (id string, again bool) {
	id = b.ids.ID(m.Identity)
	first := b.waitingFor(id)
	if first != nil && isClosed(first.Lost) && b.dropUntried(first) {
		first = nil
	}
	switch {
	case b.shownIDs.has(id):
		b.settled = append(b.settled, settlement{m.Done, Result{Outcome: Suppressed, ID: id}, submitted})
		return id, true
	case first != nil:
		first.join(m)
		if submitted {
			b.slots.done(1)
		}
		return id, true
	default:
		return id, false
	}
}

// dropUntried drops what was lost and has come back, if it has not been tried. Its turn is
// over: what was ahead of it in its partition was dropped, and comes back as well.
func (b *Outbox) dropUntried(m *Member) bool {
	i := slices.IndexFunc(b.queue, func(e *entry) bool { return !e.sent && !e.failing() && e.shows(m) })
	if i < 0 {
		return false
	}
	if e := b.queue[i]; e.digest == nil {
		b.settle(e, Result{Outcome: Dropped, Err: ErrLost})
	} else {
		b.dropParts(e, true)
	}
	return true
}

// shows reports whether e is what m waits for.
func (e *entry) shows(m *Member) bool {
	return m == &e.Member || e.digest != nil && slices.ContainsFunc(e.digest.parts, func(p *part) bool { return m == &p.Member })
}

// join has m settled by what is in flight.
func (first *Member) join(m Member) {
	first.Done = both(first.Done, m.Done)
	first.joined++
	if isClosed(first.Lost) {
		first.Lost = m.Lost // it has come back to us
	} else if first.Lost != m.Lost {
		first.Lost = nil // one of the two stays ours
	}
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
	for _, e := range slices.Clone(b.queue) { // settling changes it
		b.settle(e, Result{Outcome: Dropped, Err: ErrClosed})
	}
	for _, m := range b.slots.ahead {
		b.giveBack(m, ErrClosed)
	}
	b.slots.ahead = nil
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
	if b.link == nil || b.in[outstanding] == 0 {
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

// Width is how many messages may be in flight, and not be told by the history: those
// that have failed are not in it.
func (b *Outbox) Width() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pace.most
}

// Yielded is how many submissions wait for messages that have failed again and again and
// have given their slots to others, or have none as the halves of a digest.
func (b *Outbox) Yielded() (submissions int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.queue {
		if e.yielded || !e.hasSlot && !e.shownBefore && e.yields() {
			submissions += e.submissions()
		}
	}
	return submissions
}

// AwaitProof is how many submissions wait for messages that only a later one can prove to
// be at fault, and none was shown yet.
func (b *Outbox) AwaitProof() (submissions int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.queue {
		if e.yields() && b.awaitsProof(e) {
			submissions += e.submissions()
		}
	}
	return submissions
}

// submissions is how many are settled with e.
func (e *entry) submissions() int {
	n := 1 + e.joined
	if e.digest != nil {
		for _, p := range e.digest.parts {
			n += p.joined
		}
	}
	return n
}

// Limit lets no more than n messages be in flight from now on, or as many as there
// are slots. It reports whether that is fewer than before.
func (b *Outbox) Limit(n int) (fewer bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, b.slots.most)
	fewer = n < b.pace.most
	b.pace.setMost(n)
	return fewer
}

// settle takes e out of the outbox. The caller holds the lock.
func (b *Outbox) settle(e *entry, r Result) {
	r.ID, r.Replaced = e.id, e.Replaces
	if e.digest != nil {
		b.settleParts(e.digest, r)
	}
	b.settled = append(b.settled, settlement{e.Done, r, e.hasSlot || e.yielded})
	if e.hasSlot {
		b.slots.taken--
	}
	if e.yielded {
		b.yielded--
	}
	if b.inflight[e.id] == e {
		delete(b.inflight, e.id)
	}
	b.to(e, over)
	b.queue = slices.DeleteFunc(b.queue, func(other *entry) bool { return other == e })
	b.noteOldest(time.Now())
}

// front returns the message that was sent first of those that the room may show, nil if
// there is none.
func (b *Outbox) front() (first *entry) {
	for _, e := range b.queue {
		if (e.state == outstanding || b.link == nil && e.state == waiting && e.sent) && (first == nil || e.nth < first.nth) {
			first = e
		}
	}
	return first
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
