package outbox

import "time"

// Origin is where a notification comes from.
type Origin interface{ Place() string }

// Unshown is a message that the room has refused, or handled and not shown.
type Unshown struct {
	ID    string `json:"id"`
	Place string `json:"place"` // of the notification at its broker, if it is known
	Why   string `json:"why"`
}

// handling is what the room is known to have handled.
type handling struct {
	handled     uint64 // number of the last message that the room is known to have handled
	othersShown uint64 // the same when the room last showed one of somebody else
	lastGivenUp uint64 // number of the last message when one was given up
}

// mostDoublings bounds how long a message that nothing follows may wait: 64 times the limit.
const mostDoublings = 6

// OtherShown notes that the room shows a message of somebody else: what it has handled by
// then, and not shown, it will not show. That is no proof if it may show nothing of ours:
// it must have shown one since the last that was given up. A room that limits the rate may
// hold ours back.
func (b *Outbox) OtherShown() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lastShown > b.lastGivenUp && !b.pace.limited {
		b.othersShown = b.handled
	}
}

// held reports whether there is a single message, which the room has handled and not
// shown, and no proof whether the message or the room is the reason.
func (b *Outbox) held() bool {
	return b.link != nil && b.in[outstanding] == 1 && b.in[waiting]+b.in[setAside] == 0 && b.first != nil && b.first.nth <= b.handled
}

// StallLimit is how long the oldest message may wait for its reflection until the session
// is given up: limit, and twice as long each time for one that is held.
func (b *Outbox) StallLimit(limit time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.held() {
		return limit
	}
	return limit << min(b.first.tries, mostDoublings)
}

// Unshown returns the messages in flight that have failed, in order.
func (b *Outbox) Unshown() (list []Unshown) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.queue {
		if e.failing() || e.state == outstanding && e.nth <= b.handled {
			list = append(list, e.unshown())
		}
	}
	return list
}

func (e *entry) unshown() Unshown {
	u := Unshown{ID: e.id, Why: "not shown, although the room answers"}
	if e.why != nil {
		u.Why = e.why.Error()
	}
	origin := e.Origin
	if e.digest != nil && len(e.digest.parts) > 0 {
		origin = e.digest.parts[0].Origin // of the first; they are not far apart
	}
	if origin != nil {
		u.Place = origin.Place()
	}
	return u
}
