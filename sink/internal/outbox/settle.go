package outbox

// settlement is a message that has been settled and whose Done is to be called.
type settlement struct {
	done   func(Result) // nil for one that had been settled before
	result Result
}

// Settle calls the Done of every message that is settled, until the outbox is
// closed and nothing is left. One goroutine runs it, as long as the outbox is in
// use: brokers may take their time with an acknowledgement, and the room is read
// meanwhile. No more can wait for it than may be in flight, because their places
// are freed afterwards.
func (b *Outbox) Settle() {
	for {
		select {
		case <-b.wake:
			b.deliver()
		case <-b.closed: // nothing is settled any more
			b.deliver()
			return
		}
	}
}

// Flush has Settle look at what was settled. A session calls it after a batch: a
// place at a time would make a write of every message.
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
			free++
		}
	}
	b.places.free(free)
	clear(batch) // it keeps nothing alive
	b.mu.Lock()
	b.spare = batch
	b.mu.Unlock()
}
