package sink

import "time"

// Unsure reports whether the room may have shown a message without our knowing:
// it was published before we came, or while we were away, and the history that
// the room gave us does not have it. A worker that has been here longer may
// know better.
func (r *Room) Unsure(identity string, published time.Time) bool {
	return r.box.unsure(identity, published)
}

func (b *outbox) unsure(identity string, published time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return published.Before(b.since) && !b.ledger.has(b.ledger.minter.id(identity))
}
