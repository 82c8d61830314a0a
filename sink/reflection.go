package sink

import (
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// seen records a message that the room showed from a seat: ours if own, else
// another occupant's. It reports whether a worker made the id. Only our own
// reflection settles a message that is on its way, in a history also one from
// the seat that we had when it was sent; what another worker showed is
// remembered. The session calls flush after a batch of them.
func (b *outbox) seen(id, seat []byte, own bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ours := b.inflight[string(id)]
	before, nth := b.ledger.add(id, seat, ours)
	var w worth
	switch {
	case ours && (own || b.link == nil && string(seat) == e.seat):
		if before == copied && b.link != nil { // sent again from another seat than the first time
			b.ledger.move(id, seat)
		}
		w = b.shown(e, nth)
	case before == seenAgain:
		w = worth{complete, nth}
	case before == copied, before == invented:
		return before != invented
	}
	if b.link == nil {
		b.recall.add(string(id), w)
	}
	return true
}

// seenText is seen for a room that does not keep ids, as the last resort: the
// message is ours, so it is the next in order if the text is the same.
func (b *outbox) seenText(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.front(); e != nil && e.sent && sameText(e.Body, text) {
		_, nth := b.ledger.add([]byte(e.id), nil, true)
		if w := b.shown(e, nth); b.link == nil {
			b.recall.add(e.id, w)
		}
		return true
	}
	if b.link == nil {
		b.recall.take(b.recent.prove(text))
	}
	return false
}

// sameText reports whether the room would show body as text, perhaps cut.
func sameText(body, text string) bool {
	body = wire.Clean(body)
	start, cut := strings.CutSuffix(text, cutMark)
	return body == text || cut && strings.HasPrefix(body, start)
}

// shown settles e, the nth of all, as delivered. It returns what it proves if it
// was found in the history: the room was shown our messages in order, so it comes
// after the last that we had seen, and behind the first of those on their way
// there is no hole.
func (b *outbox) shown(e *entry, nth uint32) worth {
	r, w, now := Result{Outcome: Delivered}, worth{remembers, b.recall.last}, time.Now()
	if b.link != nil { // else it was found in the history
		r.Took = now.Sub(e.sentAt)
		b.recall.last = nth
	}
	if b.front() == e {
		w.proof = complete
	}
	b.settle(e, r)
	b.recent.add(e, now, nth)
	return w
}

// front returns the oldest message in the window, nil if there is none.
func (b *outbox) front() *entry {
	for _, e := range b.queue {
		if !e.over {
			return e
		}
	}
	return nil
}
