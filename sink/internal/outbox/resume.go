package outbox

import (
	"slices"
	"time"
)

// HistoryComplete reports whether the room has told, since we came back, everything
// that it showed meanwhile: back to something that we knew.
func (b *Outbox) HistoryComplete() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.isComplete()
}

// HistoryReached reports whether what the room has told goes back to something that
// we knew: what is older tells nothing more.
func (b *Outbox) HistoryReached() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.reached()
}

// HistoryLost reports whether the room no longer knows what it has shown.
func (b *Outbox) HistoryLost() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.isLost()
}

// StartedAt notes when the server was started, or up to a second later. One that
// was killed may have shown to others what it has forgotten.
func (b *Outbox) StartedAt(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history.restarted = b.history.brokenOff && at.After(b.history.alive)
}

// KeepsNoIDs notes that the room keeps no ids.
func (b *Outbox) KeepsNoIDs() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history.keepsNoIDs = true
}

// Unconfirmed reports whether anything was sent of which we do not know whether
// the room has shown it.
func (b *Outbox) Unconfirmed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.queue, func(e *entry) bool { return e.sent && !b.shownIDs.has(e.id) })
}

// Attach starts sending through l, from our address in the room: first, in order,
// whatever is in flight and has not been shown, as the room's history told before.
// It returns how many messages it sent again, and how many of them the room may
// show twice.
//
// A server that has forgotten cannot tell what it had shown. What was in flight
// is sent again, and so is what was reflected last and is forgotten: the copies
// for others may have died with the server.
func (b *Outbox) Attach(l Link, from string) (resent, possibleDuplicates int) {
	b.mu.Lock()
	b.link, b.from, b.comparison = l, from, comparison{}
	if b.history.lostCopies() {
		lost := b.recent.after(b.history.ours)
		b.in[waiting] += len(lost)
		b.queue = append(lost, b.queue...)
	}
	b.recent.clear()
	for _, e := range slices.Clone(b.queue) { // settling changes it
		switch {
		case !e.shownBefore && b.shownIDs.has(e.id):
			b.settle(e, Result{Outcome: Delivered})
		case isClosed(e.Lost):
			b.settle(e, Result{Outcome: Dropped, Err: ErrLost})
		default:
			if e.sent {
				resent++
			}
			if e.shownBefore { // another worker may have made the history look whole
				possibleDuplicates++
			}
			b.inflight[e.id] = e
			b.dropParts(e, true) // of all digests now: what comes back to a later one would be shown before the rest
		}
	}
	b.yieldSlots()
	if !b.history.isComplete() || b.history.restarted {
		possibleDuplicates = resent
	}
	b.history.clear()
	b.oldest = time.Now()
	b.sendWaiting(b.oldest)
	b.mu.Unlock()
	b.Flush()
	return resent, possibleDuplicates
}

// Renamed notes that our address in the room has changed: what is outstanding will be
// shown from there.
func (b *Outbox) Renamed(from string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link == nil {
		return // Attach will tell; what the history shows is still from where we were before
	}
	b.from = from
	for _, e := range b.queue {
		if e.state == outstanding {
			e.from = from
		}
	}
}

// Detach stops sending. What is in flight stays, unconfirmed. A server
// that goes on has told everybody what it told us.
func (b *Outbox) Detach(end Ending) {
	b.mu.Lock()
	attached := b.link != nil
	b.link, b.digests.bare, b.digests.hold.last = nil, false, time.Time{}
	b.silentSince = time.Time{}
	b.corrections.leave()
	for _, e := range b.queue {
		if e.state == outstanding || e.state == setAside {
			b.to(e, waiting)
		}
	}
	b.history.interrupt()
	if attached { // else it was an attempt that failed, and tells nothing of the last session
		b.recent.end(b.alive)
		if end == SessionOver {
			b.recent.clear()
		}
		b.history.leave(end, b.alive, len(b.recent.messages) > 0)
	}
	b.endHold(time.Now())
	b.mu.Unlock()
	b.Flush()
}
