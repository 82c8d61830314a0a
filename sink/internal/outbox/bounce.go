package outbox

import "errors"

// Verdict says what a bounce is about.
type Verdict int

// What a bounce can be about.
const (
	AboutRoom    Verdict = iota // us or the room: repair, then send again
	AboutMessage                // the message: it will never be shown
	Unclear                     // either: join anew, and see whether it bounces again
)

// maxUnclear is how often a message may bounce for a reason that may have been
// the room's, each time after a fresh join. The next time the room is asked
// whether we are in it.
const maxUnclear = 2

// ErrProbe says that a message has bounced again and again: see Bounce.
var ErrProbe = errors.New("message bounces again and again")

// Bounce takes the refusal of the message id, for the reason why. It returns an
// error if the session must be repaired before the message is sent again: why, or
// ErrProbe if the message is to be rejected, should we still be in the room.
func (b *Outbox) Bounce(id []byte, v Verdict, why error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.inflight[string(id)]
	if !ok {
		return nil
	}
	switch v {
	case AboutMessage:
		b.settle(e, Result{Outcome: Rejected, Err: why})
		return nil
	case Unclear:
		if e.bounces++; e.bounces > maxUnclear {
			return ErrProbe
		}
	case AboutRoom: // repair
	}
	return why
}

// Reject gives up the message id.
func (b *Outbox) Reject(id string, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.inflight[id]; ok {
		b.settle(e, Result{Outcome: Rejected, Err: why})
	}
}
