package outbox

import "time"

// settlement is a message that has been settled and whose Done is to be called.
type settlement struct {
	done   func(Result) // nil for one that had been settled before
	result Result
	placed bool
}

// settling is what has been settled, and not yet told.
type settling struct {
	wake    chan struct{} // capacity 1: there is something
	settled []settlement
	spare   []settlement // its memory, for the next batch
}

// Settle calls the Done of every message that is settled, and sends what had to wait
// for its time, until the outbox is closed and nothing is left. One goroutine runs
// it, as long as the outbox is in use: brokers may take their time with an
// acknowledgement, and the room is read meanwhile. No more can wait for it than may
// be in flight, because their places are freed afterwards.
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
		b.mu.Unlock()
		if at := b.due(now); !at.IsZero() {
			timer.Reset(max(at.Sub(now), shortestPace))
		}
	}
}

// Flush has Settle look at what was settled, and what may be sent now. A session
// calls it after a batch: a place at a time would make a write of every message.
func (b *Outbox) Flush() {
	select {
	case b.wake <- struct{}{}:
	default: // it has been told, and has not looked yet
	}
}

// deliver calls back, and then frees the places.
func (b *Outbox) deliver() {
	b.mu.Lock()
	batch := b.settled
	b.settled, b.spare = b.spare[:0], nil
	b.mu.Unlock()
	free := 0
	for _, s := range batch {
		if s.done != nil {
			s.done(s.result)
		}
		if s.placed {
			free++
		}
	}
	b.places.free(free)
	clear(batch) // it keeps nothing alive
	b.mu.Lock()
	b.spare = batch
	b.mu.Unlock()
}
