package sink

// recall is what the room has told, since we were last in it, about what it
// had shown before. It outlives attempts to come back that fail half way.
type recall struct {
	proof proof
	told  map[string]proof // by id: what each was worth when it was first told
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
func (r *recall) add(id string, p proof) {
	if before, again := r.told[id]; again {
		p = before
	} else {
		r.told[id] = p
	}
	r.proof = max(r.proof, p)
}

// interrupt ends one telling; the next begins from nothing.
func (r *recall) interrupt() { r.proof = nothing }

// clear forgets: we are in the room and see for ourselves.
func (r *recall) clear() { clear(r.told) }
