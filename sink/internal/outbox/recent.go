package outbox

import "time"

// recent remembers what the room has just reflected. A server that is killed
// may have sent our reflection and not yet the copies of others; it then has
// forgotten the message as well. Copies are milliseconds apart, more on a busy
// machine.
type recent struct {
	limit    int
	messages []posted // the oldest first
}

// recentFor is how long before the end of a connection a reflection still
// counts as recent.
const recentFor = 250 * time.Millisecond

type posted struct {
	id string
	Content
	at  time.Time
	nth uint32 // of all that the room was seen to show
}

// add remembers e, which the room has just shown.
func (r *recent) add(e *entry, now time.Time, nth uint32) {
	if r.limit == 0 {
		return
	}
	if len(r.messages) == r.limit {
		copy(r.messages, r.messages[1:])
		r.messages = r.messages[:r.limit-1]
	}
	r.messages = append(r.messages, posted{e.id, e.Content, now, nth})
}

// end keeps what was recent when the connection ended.
func (r *recent) end(at time.Time) {
	for len(r.messages) > 0 && at.Sub(r.messages[0].at) > recentFor {
		r.messages = r.messages[1:]
	}
}

func (r *recent) clear() { r.messages = nil }

// after returns what to send again: what was shown after the nth message of all.
// Nobody waits for them: they have been settled.
func (r *recent) after(nth uint32) []*entry {
	var list []*entry
	for _, m := range r.messages {
		if m.nth > nth {
			list = append(list, &entry{Content: m.Content, id: m.id, sent: true, again: true})
		}
	}
	return list
}
