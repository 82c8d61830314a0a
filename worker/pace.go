package worker

import (
	"sync"
	"time"
)

// pace measures how long the room takes to show one message after the other.
type pace struct {
	mu   sync.Mutex
	each time.Duration // the mean of the last ones
	last time.Time     // when it showed something
}

// paceWeight is how many messages the mean is about.
const paceWeight = 16

// shown notes that the room has shown a message, took after it was sent. Before that
// it was busy with others; a digest says nothing of how long one takes.
func (p *pace) shown(now time.Time, took time.Duration, digest bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if busy := min(took, now.Sub(p.last)); took > 0 && !digest {
		p.each += (busy - p.each) / paceWeight
	}
	p.last = now
}

// longWait is for how long people may have to wait for what is there already.
const longWait = time.Minute

// isTooSlow reports whether the room would need longer than longWait for so many, one
// by one.
func (p *pace) isTooSlow(messages int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.each > 0 && messages > int64(longWait/p.each)
}
