package outbox

import "sync"

// places are those for messages in flight. They may become fewer, never more.
type places struct {
	taken chan struct{} // one element per message, and per place that is not to be used

	mu      sync.Mutex
	surplus int // places that are not to be used
	unused  int // of them, those that are taken already
}

func newPlaces(n int) *places { return &places{taken: make(chan struct{}, n)} }

// free frees n places that messages had, but for those that are not to be used.
func (p *places) free(n int) {
	p.mu.Lock()
	keep := min(n, p.surplus-p.unused)
	p.unused += keep
	p.mu.Unlock()
	for range n - keep {
		<-p.taken
	}
}

// narrow lets no more than n messages be in flight: free places are taken at
// once, the others as the messages in them are settled. It reports whether there
// were more.
func (p *places) narrow(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	surplus := cap(p.taken) - n
	wider := surplus > p.surplus
	p.surplus = max(p.surplus, surplus)
	for p.unused < p.surplus {
		select {
		case p.taken <- struct{}{}:
			p.unused++
		default:
			return wider
		}
	}
	return wider
}

// width is how many messages may be in flight.
func (p *places) width() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cap(p.taken) - p.surplus
}
