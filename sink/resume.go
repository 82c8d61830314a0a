package sink

import (
	"slices"
	"time"
)

// remembered reports whether the room has told, since we came back, everything
// that it showed meanwhile: back to something that we knew.
func (b *outbox) remembered() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recall.whole()
}

// reached reports whether what the room has told goes back to something that
// we knew: what is older tells nothing more.
func (b *outbox) reached() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recall.reached()
}

// forgot reports whether the room no longer knows what it has shown.
func (b *outbox) forgot() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recall.forgot()
}

// startedAt notes when the server was started, or up to a second later. One that
// was killed may have shown to others what it has forgotten.
func (b *outbox) startedAt(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recall.restarted = !b.recall.broken.IsZero() && at.After(b.recall.broken)
}

// inDoubt reports whether anything was sent of which we do not know whether the
// room has shown it.
func (b *outbox) inDoubt() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.queue, func(e *entry) bool { return e.sent && !e.over && !b.ledger.has(e.id) })
}

// attach starts sending through l, from a seat: first, in order, whatever is in the window
// and has not been shown, as the room's history told before. It returns how
// many messages it sent again, and how many of them the room may show twice.
//
// A server that has forgotten cannot tell what it had shown. What was on its way
// is sent again, and so is what was reflected last and is forgotten: the copies
// for others may have died with the server.
func (b *outbox) attach(l link, seat string) (resent, doubtful int) {
	b.mu.Lock()
	b.link, b.seat = l, seat
	if b.recall.forgot() {
		b.queue = append(b.recent.after(b.recall.known), b.queue...)
	}
	b.recent.clear()
	for _, e := range slices.Clone(b.queue) { // settling shortens it
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
			if e.again { // another worker may have made the history look whole
				doubtful++
			}
			b.inflight[e.id] = e
			b.send(e)
		}
	}
	if !b.recall.whole() || b.recall.restarted {
		doubtful = resent
	}
	b.recall.clear()
	b.oldest = time.Now()
	b.mu.Unlock()
	b.flush()
	return resent, doubtful
}

// detach stops sending. What is in the window stays there, in doubt. A server
// that goes on has told everybody what it told us; last is when it told us
// anything.
func (b *outbox) detach(end ending, last time.Time) {
	b.mu.Lock()
	attached := b.link != nil
	b.link = nil
	b.recall.interrupt()
	if attached { // else it was an attempt that failed, and tells nothing of the last stay
		b.recent.end(last)
		if end == parted {
			b.recent.clear()
		}
		b.recall.leave(end, last, len(b.recent.messages) > 0)
	}
	b.mu.Unlock()
	b.flush()
}
