package outbox

import "time"

const (
	// LeastStanzaBytes is what every server must take (RFC 6120, 13.12).
	LeastStanzaBytes = 10_000
	// causeWithin is how soon after a message was sent the stream must end for the message
	// to count as the cause.
	causeWithin = 5 * time.Second
	// maxStreamEnds is how often that may happen, each time after a fresh join, before it
	// is given up.
	maxStreamEnds = 2
)

// StreamEnded finds out which message the server has ended the stream for, so that one
// that it never takes does not stop all others. If it may have been the length
// (tooLong), and a long one was in flight, it returns the limit to keep to from
// now on; else 0.
//
// Servers handle messages in order, so it is the first one without a
// reflection. It is given up after some fresh joins.
func (b *Outbox) StreamEnded(why error, tooLong bool, size func(id string, c Content) int) (limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	longest, first := 0, b.first
	for _, e := range b.queue {
		if e.state == outstanding {
			longest = max(longest, size(e.id, e.Content))
		}
	}
	if tooLong && longest > LeastStanzaBytes {
		return max(LeastStanzaBytes, longest/2)
	}
	if first != nil && time.Since(first.sentAt) < causeWithin {
		if first.streamEnds++; first.streamEnds > maxStreamEnds {
			b.reject(first, why)
		}
	}
	return 0
}
