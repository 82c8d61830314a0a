package outbox

import (
	"slices"
	"time"
)

// recent remembers what the room has just reflected. A server that is killed
// may have sent our reflection and not yet the copies of others; it then has
// forgotten the message as well. Copies are milliseconds apart, more on a busy
// machine.
//
// When we receive something does not tell when it was sent: a connection may stall. But
// the server was running when we sent what it has answered since.
type recent struct {
	limit    int
	messages []posted // the oldest first
}

// recentFor is how long a server must have been running after a reflection, so that
// others have got their copies.
const recentFor = 250 * time.Millisecond

// ProvenAfter is how long after a reflection an answer proves that.
const ProvenAfter = recentFor + time.Millisecond

type posted struct {
	id string
	Content
	corrects string // identity of the message that it is a correction of
	at       time.Time
	nth      uint32 // of all that the room was seen to show
}

// add remembers e, which the room has just shown.
func (r *recent) add(e *entry, now time.Time, nth uint32) {
	if len(r.messages) == r.limit {
		r.messages = slices.Delete(r.messages, 0, 1)
	}
	r.messages = append(r.messages, posted{e.id, e.Content, e.others.corrects, now, nth})
}

// end keeps what was recent when the connection ended. The server was alive at that
// time.
func (r *recent) end(alive time.Time) {
	for len(r.messages) > 0 && alive.Sub(r.messages[0].at) > recentFor {
		r.messages = r.messages[1:]
	}
}

// Alive notes that the server has answered what we sent at that time.
func (b *Outbox) Alive(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alive = later(b.alive, at)
}

// Unproven reports whether it is time to ask the server something: nothing tells yet
// that others have got what was reflected last.
func (b *Outbox) Unproven(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link == nil || len(b.recent.messages) == 0 {
		return false
	}
	last := b.recent.messages[len(b.recent.messages)-1].at.Add(recentFor)
	return !b.alive.After(last) && now.After(last)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (r *recent) clear() { r.messages = nil }

// after returns what to send again: what was shown after the nth message of all.
// Nobody waits for them: they have been settled.
func (r *recent) after(nth uint32) []*entry {
	var list []*entry
	for _, m := range r.messages {
		if m.nth > nth {
			list = append(list, &entry{
				Content: m.Content, others: related{corrects: m.corrects}, id: m.id, sent: true, shownBefore: true,
			})
		}
	}
	return list
}
