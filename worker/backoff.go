package worker

import (
	"math/rand/v2"
	"time"
)

// The pauses between attempts at a broker.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 10 * time.Second
)

// backoff gives random pauses that grow.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	ceiling := min(shortestPause<<min(b.tries, 16), longestPause)
	b.tries++
	return ceiling/2 + rand.N(ceiling/2+1) //nolint:gosec // no secret
}
