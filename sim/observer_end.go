package sim

import (
	"maps"
	"slices"
)

// done reports whether there is nothing left to do, and all workers are in the room.
func (o *observer) done(processes []*process) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.ContainsFunc(processes, func(p *process) bool { return !o.workers[p.name].inside }) {
		return false
	}
	for _, r := range o.records {
		if o.isStuck(r) {
			continue
		}
		if slices.ContainsFunc(r.copies, func(m *stored) bool { return !m.acked.Load() }) || !o.isDone(r) {
			return false
		}
	}
	return true
}

// left is how often a worker has left the room.
func (o *observer) left() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.departures
}

// restless is when workers leave the room again and again although nothing is broken.
func (o *observer) restless() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wrong("workers have left the room %d times, and do not stay in it in the end", o.departures)
}

// isDone reports whether others were shown the notification, or it is a dead letter.
func (o *observer) isDone(r *record) bool {
	return len(r.copies) == 0 || r.deadLettered || r.hidden || r.exempt || !o.idsKept && o.wasShown(r) || r.wasRefusedLater() ||
		slices.ContainsFunc(r.showings, func(s showing) bool { return !s.senderOnly })
}

// wasRefusedLater reports whether the room has shown r, and later refused it so that it
// would be a dead letter if it had not been acknowledged.
func (r *record) wasRefusedLater() bool {
	return len(r.showings) > 0 && r.refused > r.showings[len(r.showings)-1].refused+1
}

// stick notes that the dead letters of a broker will never be written: it may stop, and
// the other must not. It reports whether this is the one.
func (o *observer) stick(broker int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stuck < 0 {
		o.stuck = broker
	}
	return o.stuck == broker
}

// isStuck reports whether a notification may wait for ever.
func (o *observer) isStuck(r *record) bool { return slices.Contains(r.brokers, o.stuck) }

// finish is when nothing more will happen. The absent are those that the server has not
// in the room.
func (o *observer) finish(processes, absent []*process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(o.records)) {
		r := o.records[number]
		if o.isStuck(r) {
			continue
		}
		for _, m := range r.copies {
			if !m.acked.Load() {
				o.wrong("notification %d at offset %d is not acknowledged in the end", number, m.offset)
			}
		}
		if !o.isDone(r) {
			o.wrong("notification %d is neither shown to others nor a dead letter in the end", number)
		}
	}
	o.inOrder()
	for _, p := range processes {
		if !o.workers[p.name].inside {
			o.wrong("worker %s is not in the room in the end", p.name)
		}
	}
	for _, p := range absent {
		if o.workers[p.name].inside {
			o.wrong("worker %s takes itself for in the room in the end, and is not", p.name)
		}
	}
	for name, w := range o.workers {
		if n := len(w.resent); n > w.possibleDuplicates {
			o.wrong("worker %s has posted %d messages again, and counted %d possible duplicates", name, n, w.possibleDuplicates)
		}
	}
}

// inOrder looks whether what came first was shown first, where that is promised. What
// the room has refused comes later; what has expired may, and what is urgent may have overtaken others.
func (o *observer) inOrder() {
	earlier := map[string][]*record{} // by partition
	for _, r := range o.sequence {
		if len(r.showings) == 0 || len(r.copies) > 1 || r.deadLettered || r.delayed || r.expired {
			continue
		}
		overtaken := slices.IndexFunc(earlier[r.partition], func(before *record) bool {
			return r.showings[0].nth < before.showings[0].nth && !r.mayOvertake(before)
		})
		if overtaken >= 0 && !r.urgent {
			o.wrong("notification %d is shown before notification %d, which was published before it in %s", r.number, earlier[r.partition][overtaken].number, r.partition)
		}
		earlier[r.partition] = append(earlier[r.partition], r)
	}
}
