package sim

import (
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// published is when a broker has stored a message.
func (o *observer) published(m *stored, partition string, ordered bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, number := range m.numbers {
		r := o.records[number]
		if r.copies = append(r.copies, m); ordered && len(r.copies) == 1 {
			r.partition = partition
			o.sequence = append(o.sequence, r)
		}
	}
	o.say("%s is published at offset %d", m, m.offset)
}

// delivered is when a broker gives a message to a worker.
func (o *observer) delivered(p *process, broker string, m *stored) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.workers[p.name]
	w.pending[broker]++
	o.say("%s delivers %s to worker %s", broker, m, p.name)
	maxPending := w.maxPending
	if o.departures > 0 || o.refusals { // behind what was not shown before there may be one more, again and again
		maxPending *= 2
	}
	if w.pending[broker] > maxPending {
		o.wrong("worker %s holds %d messages of %s, more than %d", p.name, w.pending[broker], broker, maxPending)
	}
	if w.bytes[broker] >= w.maxBytes && w.maxBytes > 0 {
		o.wrong("worker %s holds %d bytes of %s, more than %d, and is given more", p.name, w.bytes[broker], broker, w.maxBytes)
	}
	w.bytes[broker] += m.size()
	for _, number := range m.numbers {
		w.young[number] = w.young[number] || !o.isOld(m)
	}
}

// What a worker does with a message.
const (
	acknowledges = "acknowledges"
	releases     = "releases"
)

// settled is when a worker acknowledges a message, or releases it.
func (o *observer) settled(p *process, broker string, m *stored, how string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.workers[p.name]
	w.pending[broker]--
	w.bytes[broker] -= m.size()
	for _, number := range m.numbers {
		if r := o.records[number]; how == releases {
			w.released[number] = true
		} else if o.sawCopy(p, r) {
			r.exempt = true
		}
	}
	o.say("worker %s %s %s", p.name, how, m)
}

// sawCopy reports whether a server that died may have shown p what another worker had sent:
// then it was not shown to its sender alone.
func (o *observer) sawCopy(p *process, r *record) bool {
	return slices.ContainsFunc(r.showings, func(s showing) bool {
		return s.senderOnly && s.session.link.owner != p && o.hadJoined(p, s.at)
	})
}

// hadJoined reports whether a process had been in the room by a time.
func (o *observer) hadJoined(p *process, by time.Time) bool {
	for _, s := range o.sessions {
		if s.link.owner == p && s.joined.Before(by) {
			return true
		}
	}
	return false
}

// durable is when a worker may take a message for acknowledged for good.
func (o *observer) durable(p *process, m *stored) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.workers[p.name]
	for _, number := range m.numbers {
		delete(w.unacked, number)
		w.durable[number] = true
	}
}

// acked is when a broker will never deliver a message again.
func (o *observer) acked(m *stored) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.say("the broker takes %s for acknowledged", m)
	for _, number := range m.numbers {
		if r := o.records[number]; !m.deadLettered.Load() && !r.hidden && !o.wasShown(r) {
			o.wrong("notification %d is acknowledged, but was never shown", number)
		}
	}
}

// wasShown reports whether the room has shown a notification. Where it keeps no ids,
// those with the same text are all alike: as many must have been shown as are done.
func (o *observer) wasShown(r *record) bool {
	if o.idsKept {
		return len(r.showings) > 0
	}
	shown, done := 0, 0
	for _, other := range o.records {
		if other.text == r.text {
			shown += len(other.showings)
			if !other.deadLettered && !other.hidden && slices.ContainsFunc(other.copies, func(m *stored) bool { return m.acked.Load() }) {
				done++
			}
		}
	}
	return shown >= done
}

// deadLettered is when a dead letter is stored.
func (o *observer) deadLettered(m *stored, reason sources.Reason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.say("%s becomes a dead letter: %s", m, reason.Code)
	refused := false
	for _, number := range m.numbers {
		r := o.records[number]
		r.deadLettered = true
		refused = refused || r.refused > 1 || r.resolves != nil && o.refusedLines > 1 // the line is a part of it
	}
	switch {
	case reason.Code == sources.ReasonDecode && !o.records[m.numbers[0]].malformed:
		o.wrong("%s is a dead letter, but could be read", m)
	case reason.Code == sources.ReasonTooLarge && m.size() > o.largest && o.largest > 0:
	case reason.Code != sources.ReasonDecode && !refused:
		o.wrong("%s is a dead letter (%s: %v), but nothing had refused it", m, reason.Code, reason.Err)
	}
}
