package sim

import "slices"

// What the simulator has found and what is not corrected yet is not looked for, so that
// other faults can be found. An exception goes when its fault is corrected.

// counted reports whether workers count all possible duplicates. Not corrected: where a
// server has forgotten what it had shown and several workers share the room, one that
// is back before us makes the history look as if it reached back to what we knew.
func (p *Plan) counted() bool {
	forgets := slices.ContainsFunc(p.Steps, func(s Step) bool { return faults()[s.Do].forgets })
	return p.Workers == 1 || !forgets
}

// heardInTime reports whether workers hear of everything when it happens. Not corrected: a
// worker to which nothing arrived for a while takes what it was shown before for old when
// the server dies, although for the server that was the last moment, and does not send
// again what others were not shown.
func (p *Plan) heardInTime() bool {
	return !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Do == "hold" })
}
