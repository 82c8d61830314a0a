package outbox

import "slices"

// slots bounds the messages that the outbox takes: so many in flight, and as many
// that are ready to follow. Those need no more than a free slot.
type slots struct {
	submitted chan struct{} // one element per message, until its Done has been called
	most      int           // that may be in flight
	taken     int           // by messages in flight
	ahead     []Message     // in order
}

func newSlots(n int) slots { return slots{submitted: make(chan struct{}, 2*n), most: n} }

// done lets n more messages be submitted.
func (p *slots) done(n int) {
	for range n {
		<-p.submitted
	}
}

// next takes out the message that is the next to be in flight, if a slot is free.
func (p *slots) next() (m Message, ok bool) {
	if len(p.ahead) == 0 || p.taken >= p.most {
		return m, false
	}
	m = p.ahead[0]
	p.ahead = slices.Delete(p.ahead, 0, 1)
	return m, true
}
