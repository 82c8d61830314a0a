package sink

import "time"

// recall is what the room has told, since we were last in it, about what it
// had shown before. It outlives attempts to come back that fail half way.
type recall struct {
	proof proof
	told  map[string]worth // by id: what each was worth when it was first told
	last  uint32           // number of our last message that we have seen the room show, 0: none in this stay
	fresh bool             // that was just before the stay ended
	known uint32           // the highest number of a message told, 0: none that we had seen

	broken    time.Time // when the connection broke off, zero after another end
	restarted bool      // the server has been, since
}

// worth is what a message in the history proves.
type worth struct {
	proof
	nth uint32 // its number (see ledger.add), 0 if it was not known
}

// proof says what a history is worth.
type proof int

const (
	nothing   proof = iota
	remembers       // it has something that we knew: the server has not forgotten
	complete        // and goes back to where we left: it has no hole
)

// add takes an id that the room's history or archive shows. Told again, by the
// archive or in the next attempt, it is worth what it was at first, and not
// more because we know it by now.
func (r *recall) add(id string, w worth) {
	if before, again := r.told[id]; again {
		w = before
	} else {
		r.told[id] = w
	}
	r.take(w)
}

// take takes what something told proves. What we saw after our last, if that was
// just before the end, does not tell that this one is remembered: another worker,
// who is back before us, may have sent it again to a server that has forgotten all.
func (r *recall) take(w worth) {
	r.proof = max(r.proof, w.proof)
	if !r.fresh || w.nth <= r.last {
		r.known = max(r.known, w.nth)
	}
}

// forgot reports whether the server no longer knows what it has shown: it tells
// nothing that we knew, or not our last. A history has no holes.
func (r *recall) forgot() bool {
	return r.proof == nothing || r.known < r.last && (r.known > 0 || r.fresh)
}

// reached reports whether what was told goes back to where we left.
func (r *recall) reached() bool { return r.proof == complete && (r.known > 0 || !r.fresh) }

// leave begins to wait for what the room will tell when we are back.
func (r *recall) leave(end ending, at time.Time, fresh bool) {
	r.fresh = fresh
	if r.broken = at; end != brokenOff {
		r.broken = time.Time{}
	}
}

// interrupt ends one telling; the next begins from nothing.
func (r *recall) interrupt() { r.proof, r.known, r.restarted = nothing, 0, false }

// whole reports whether the room has told everything that it showed while we
// were away: back to something that we knew, and up to the end.
func (r *recall) whole() bool { return r.proof == complete && !r.forgot() }

// clear forgets: we are in the room and see for ourselves.
func (r *recall) clear() {
	clear(r.told)
	r.last, r.fresh = 0, false
}
