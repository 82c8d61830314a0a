package outbox

import "time"

// settlement is a message that has been settled and whose Done is to be called.
type settlement struct {
	done      func(Result) // nil for one that had been settled before
	result    Result
	submitted bool // one more may be submitted then
}

// settling is what has been settled, and not yet told.
type settling struct {
	wake    chan struct{} // capacity 1: there is something
	settled []settlement
	spare   []settlement // its memory, for the next batch
	later   *time.Timer  // until Settle looks at what is not worth its while alone; nil: it has been told
}

// Settle calls the Done of every message that is settled, and sends what had to wait
// for its time, until the outbox is closed and nothing is left. One goroutine runs
// it, as long as the outbox is in use: brokers may take their time with an
// acknowledgement, and the room is read meanwhile. No more can wait for it than may
// be submitted, because others are taken afterwards.
func (b *Outbox) Settle() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-b.wake:
		case <-timer.C:
		case <-b.closed: // nothing is settled any more
			b.deliver()
			return
		}
		b.deliver()
		now := time.Now()
		b.mu.Lock()
		b.sendWaiting(now)
		b.endHold(now)
		b.mu.Unlock()
		if at := b.due(now); !at.IsZero() {
			timer.Reset(max(at.Sub(now), shortestPace))
		}
	}
}

// Flush sends what may be sent now, and has Settle look at what was settled. A session
// calls it after a batch: a slot at a time would make a write of every message.
// While the room still has much to show, it is left to Settle, which comes soon.
func (b *Outbox) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.gathers() {
		b.sendWaiting(now)
	}
	b.endHold(now)
	b.tell(now)
}

// gathers reports whether slots that are free wait for more of them: Settle will look,
// since something was settled, and most of what may be in flight is.
func (b *Outbox) gathers() bool {
	return len(b.settled) > 0 && 2*b.in[outstanding] > b.pace.width
}

// settlePause is how long what is settled may wait for more, while messages are in
// flight and others are ready to follow. To tell of each alone would cost as much
// again as to send it.
const settlePause = 5 * time.Millisecond

// tell has Settle look at what was settled, now or soon.
func (b *Outbox) tell(now time.Time) {
	n := len(b.settled)
	steady := b.in[outstanding] > 0 && b.in[setAside] == 0 && !now.Before(b.pace.next) && b.awaitsDigest(now).IsZero()
	switch {
	case n == 0 && (steady || b.link == nil):
	case !steady || len(b.slots.ahead) == 0 || n >= b.slots.most/2:
		b.notify()
	case b.later == nil:
		b.later = time.AfterFunc(settlePause, b.notify)
	}
}

// notify has Settle look.
func (b *Outbox) notify() {
	select {
	case b.wake <- struct{}{}:
	default: // it has been told, and has not looked yet
	}
}

// deliver calls back, and then lets others be submitted.
func (b *Outbox) deliver() {
	b.mu.Lock()
	batch := b.settled
	b.settled, b.spare = b.spare[:0], nil
	if b.later != nil {
		b.later.Stop()
		b.later = nil
	}
	b.mu.Unlock()
	done := 0
	for _, s := range batch {
		if s.done != nil {
			s.done(s.result)
		}
		if s.submitted {
			done++
		}
	}
	b.slots.done(done)
	clear(batch) // it keeps nothing alive
	b.mu.Lock()
	b.spare = batch
	b.mu.Unlock()
}
