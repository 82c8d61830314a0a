package sim

import "slices"

// unmended are faults that the simulator has found and that are not mended yet. A
// plan that would only find one of them again is changed, so that others can be
// found. An entry goes when its fault is mended.
type unmended struct {
	// what is wrong, and when.
	what   string
	change func(*Plan)
}

// counted reports whether workers count all possible duplicates. Not mended: where a
// server has forgotten what it had shown and several workers share the room, one that
// is back before us makes the history look as if it reached back to what we knew.
func (p *Plan) counted() bool {
	forgets := slices.ContainsFunc(p.Steps, func(s Step) bool { return faults()[s.Do].forgets })
	return p.Workers == 1 || !forgets
}

// known lists them.
func known() []unmended {
	return []unmended{
		{
			"A history settles by text where the room has not yet reflected a message with its id.",
			func(p *Plan) {
				for i := range p.Notifications { // then no two notifications look alike
					p.Notifications[i].Text = p.Notifications[i].Number + texts
				}
			},
		},
		{
			"In a room that keeps no ids, what is sent again is not always counted as a possible duplicate.",
			func(p *Plan) {
				if !p.Room.keepsIDs() {
					p.Room.Server = "prosody"
				}
			},
		},
	}
}

// spare changes the plan so that it does not find what is known.
func (p *Plan) spare() *Plan {
	for _, u := range known() {
		u.change(p)
	}
	return p
}
