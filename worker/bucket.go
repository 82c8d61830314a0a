package worker

import (
	"sync"
	"time"
)

// bucket holds tokens, each for one message that is shown alone. It fills up at a
// rate, and is full after as long as the rate is for.
type bucket struct {
	rate rate

	mu   sync.Mutex
	left float64
	at   time.Time // when left was right
}

func newBucket(r rate) *bucket { return &bucket{rate: r, left: float64(r.count)} }

// take takes n tokens, if they are there. More than there ever are can be had from a
// full bucket, which is then empty for as much longer.
func (b *bucket) take(now time.Time, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	size := float64(b.rate.count)
	if !b.at.IsZero() {
		b.left = min(size, b.left+size*now.Sub(b.at).Seconds()/b.rate.per.Seconds())
	}
	b.at = now
	if b.left < min(float64(n), size) {
		return false
	}
	b.left -= float64(n)
	return true
}
