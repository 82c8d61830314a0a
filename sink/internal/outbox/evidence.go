package outbox

import "time"

// history is what the room has told, since we were last in it, about what it
// had shown before. It outlives attempts to come back that fail half way.
type history struct {
	proof proof
	byID  map[string]evidence // by id: what each proved when it was first told
	last  uint32              // number of our last message that we have seen the room show, 0: none in this session
	fresh bool                // that was just before the session ended
	known uint32              // the highest number of a message told, 0: none that we had seen
	ours  uint32              // the same of our own: another worker may have sent his again

	keepsNoIDs bool      // the room keeps no ids: what it tells proves nothing
	brokenOff  bool      // the connection was: nothing is known of the server
	shutDown   bool      // the server said that it goes down
	alive      time.Time // the server was running then, before the session ended
	restarted  bool      // the server has been, since
}

// evidence is what a message in the history proves.
type evidence struct {
	proof
	nth  uint32 // its number (see shownIDs.add), 0 if it was not known
	ours bool   // we had sent it
}

// Ending is how a session ended. It says what others may not have been sent of
// what the server sent us.
type Ending int

// How a session can end.
const (
	BrokenOff   Ending = iota // nothing is known of the server
	ShutDown                  // it went down, or its rooms did, perhaps before all had been sent to others
	SessionOver               // the session is over, the server and the room go on
)

// proof is how much a history proves.
type proof int

const (
	nothing  proof = iota
	partial        // it has something that we knew: the server has not lost it
	complete       // and goes back to where we left: it has no hole
)

// add takes an id that the room's history or archive shows. Told again, by the
// archive or in the next attempt, it proves what it did at first, and not
// more because we know it by now. It proves less if it was sent again meanwhile.
func (h *history) add(id string, w evidence) {
	if before, again := h.byID[id]; again && before.proof <= w.proof {
		w = before
	} else {
		h.byID[id] = w
	}
	h.take(w)
}

// take takes what something told proves. What we saw after our last, if that was
// just before the end, does not tell that this one is remembered: another worker,
// who is back before us, may have sent it again to a server that has forgotten all.
func (h *history) take(w evidence) {
	h.proof = max(h.proof, w.proof)
	if w.ours {
		h.ours = max(h.ours, w.nth)
	}
	if !h.fresh || w.nth <= h.last {
		h.known = max(h.known, w.nth)
	}
}

// isLost reports whether the server no longer knows what it has shown: it tells
// nothing that we knew, or not our last. A history has no holes.
func (h *history) isLost() bool {
	return h.proof == nothing || h.known < h.last && (h.known > 0 || h.fresh)
}

// lostCopies reports whether copies for others of what was shown to us may have
// died with the server. A room that keeps no ids cannot tell; then it is so if the
// server went down.
func (h *history) lostCopies() bool {
	return h.isLost() && (!h.keepsNoIDs || h.shutDown || h.restarted)
}

// reached reports whether what was told goes back to where we left.
func (h *history) reached() bool { return h.proof == complete && (h.known > 0 || !h.fresh) }

// proves is what a message proves that we had seen before, and that the room got at a
// time. Another worker may have sent it again, to a server that has forgotten
// everything. Then the room got it later than anything that we knew; nobody but us
// sends ours.
func (h *history) proves(nth uint32, ours bool, at time.Time) evidence {
	if !ours && at.After(h.alive) {
		return evidence{}
	}
	return evidence{complete, nth, ours}
}

// leave begins to wait for what the room will tell when we are back. The server was
// alive at that time.
func (h *history) leave(end Ending, alive time.Time, fresh bool) {
	h.fresh, h.alive, h.brokenOff, h.shutDown = fresh, alive, end == BrokenOff, end == ShutDown
}

// interrupt ends one telling; the next begins from nothing.
func (h *history) interrupt() { h.proof, h.known, h.ours, h.restarted = nothing, 0, 0, false }

// isComplete reports whether the room has told everything that it showed while we
// were away: back to something that we knew, and up to the end.
func (h *history) isComplete() bool { return h.proof == complete && !h.isLost() }

// clear forgets: we are in the room and see for ourselves.
func (h *history) clear() {
	clear(h.byID)
	h.last, h.fresh = 0, false
}
