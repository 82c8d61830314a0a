package outbox

import (
	"strings"
	"time"
)

// CutMark ends a text that did not fit into a stanza.
const CutMark = " […]"

// Seen records a message that the room showed from an occupant: ours if own. It
// reports whether a worker made the id. Only our own reflection settles a message
// in flight, in a history also one from the address that we had when it was sent;
// what another worker showed is remembered. The session calls Flush after a batch
// of them.
func (b *Outbox) Seen(id, from []byte, own bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ours := b.inflight[string(id)]
	before, nth := b.ledger.add(id, from, ours)
	var w evidence
	switch {
	case ours && (own || b.link == nil && string(from) == e.from):
		if before == copied && b.link != nil { // sent again from another address than the first time
			b.ledger.move(id, from)
		}
		w = b.shown(e, nth)
	case before == seenAgain:
		w = evidence{complete, nth, own || string(from) == b.from}
	case before == copied, before == invented:
		return before != invented
	}
	if b.link == nil {
		b.history.add(string(id), w)
	}
	return true
}

// SeenText is Seen for a room that does not keep ids, as the last resort: the
// message is ours, so it is the next in order if the text is the same.
func (b *Outbox) SeenText(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.front(); e != nil && e.sent && sameText(e.Body, text) {
		_, nth := b.ledger.add([]byte(e.id), nil, true)
		if w := b.shown(e, nth); b.link == nil {
			b.history.add(e.id, w)
		}
		return true
	}
	if b.link == nil {
		b.history.take(b.recent.prove(text))
	}
	return false
}

// sameText reports whether the room would show body as text, perhaps cut.
func sameText(body, text string) bool {
	start, cut := strings.CutSuffix(text, CutMark)
	return body == text || cut && strings.HasPrefix(body, start)
}

// shown settles e, the nth of all, as delivered. It returns what it proves if it
// was found in the history: the room was shown our messages in order, so it comes
// after the last that we had seen, and behind the first of those in
// flight there is no hole.
func (b *Outbox) shown(e *entry, nth uint32) evidence {
	r, w, now := Result{Outcome: Delivered}, evidence{remembers, b.history.last, true}, time.Now()
	if b.link != nil { // else it was found in the history
		r.Took = now.Sub(e.sentAt)
		b.history.last = nth
	}
	if b.front() == e {
		w.proof = complete
	}
	b.settle(e, r)
	b.recent.add(e, now, nth)
	return w
}
