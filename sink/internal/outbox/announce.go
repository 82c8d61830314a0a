package outbox

// Announce has m sent before everything else when a link is attached next, unless the
// room has shown it by then. It takes no slot, and has no outcome:
// Done is not used.
func (b *Outbox) Announce(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &entry{
		Member:  Member{Identity: m.Identity, Lost: m.Lost},
		Content: Content{Body: m.Body}, id: b.ids.ID(m.Identity),
	}
	if b.shownIDs.has(e.id) {
		return
	}
	b.inflight[e.id] = e
	b.queue = append([]*entry{e}, b.queue...)
	b.in[waiting]++
}

// LastShown is the id of the last message of a worker that the room has shown or told of,
// "" if there was none.
func (b *Outbox) LastShown() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := b.corrections.last
	if len(last) == 0 {
		return ""
	}
	return string(last[len(last)-1].id[:])
}
