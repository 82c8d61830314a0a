package sink

import (
	"errors"
	"time"
)

const (
	// leastStanzaBytes is what every server must take (RFC 6120, 13.12).
	leastStanzaBytes = 10_000
	// blameWithin is how soon after a message was sent the end of the stream is
	// held against it.
	blameWithin = 5 * time.Second
)

// blames returns the stream error that ended a session if it is about what we
// sent (RFC 6120, 4.9.3), and not about the server or us.
func blames(end error) (*Condition, bool) {
	c, said := errors.AsType[*Condition](end)
	if !said || c.Type != "" { // those of stanzas have a type
		return nil, false
	}
	switch c.Name {
	case "policy-violation", "not-well-formed", "xml-not-well-formed", "invalid-xml", "bad-format", "restricted-xml":
		return c, true
	default:
		return nil, false
	}
}

// blame finds out which message the server has ended the stream for, so that
// one that it never takes does not stop all others. If a long one was among
// those on their way, it returns the limit to keep to from now on; else 0.
//
// Servers handle messages in order, so it is the first one without a
// reflection. It is given up after some fresh joins, as after unclear bounces.
func (b *outbox) blame(c *Condition, size func(id, body, extra string) int) (limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	longest := 0
	var first *entry
	for _, e := range b.queue {
		if e.over || !e.sent {
			continue
		}
		if longest = max(longest, size(e.id, e.Body, e.Extra)); first == nil {
			first = e
		}
	}
	if c.Name == "policy-violation" && longest > leastStanzaBytes {
		return max(leastStanzaBytes, longest/2)
	}
	if first != nil && time.Since(first.sentAt) < blameWithin {
		if first.bounces++; first.bounces > maxUnclear {
			b.settle(first, Result{Outcome: Rejected, Err: c})
		}
	}
	return 0
}
