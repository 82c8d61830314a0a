package sink

// recentShare is the part of the window, one in four, that is kept for
// messages that the room has just reflected.
const recentShare = 4

// recent remembers the last messages that the room has reflected. A server
// that is killed may have sent our reflection and not yet the copies of
// others; it then has forgotten the message as well.
type recent struct {
	limit    int
	messages []posted // the oldest first
}

type posted struct{ id, body string }

// add remembers e, which the room has just shown.
func (r *recent) add(e *entry) {
	if r.limit == 0 {
		return
	}
	if len(r.messages) == r.limit {
		copy(r.messages, r.messages[1:])
		r.messages = r.messages[:r.limit-1]
	}
	r.messages = append(r.messages, posted{e.id, e.Body})
}

func (r *recent) clear() { r.messages = r.messages[:0] }

// entries returns what to send again. Nobody waits for them: they have been
// settled.
func (r *recent) entries() []*entry {
	list := make([]*entry, len(r.messages))
	for i, m := range r.messages {
		list[i] = &entry{Message: Message{Body: m.body}, id: m.id, sent: true, again: true}
	}
	return list
}
