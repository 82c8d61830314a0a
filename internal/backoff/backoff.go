// Package backoff gives the pauses between attempts: they are random and grow.
package backoff

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// Backoff gives pauses between Min and a ceiling that doubles with every one,
// up to Max. They are random over that whole range ("full jitter"): workers
// that lost a server together do not come back together. The zero value of the
// other fields is ready. It belongs to one goroutine.
type Backoff struct {
	Min, Max time.Duration

	pauses int // since the last Reset
}

// maxDoublings keeps the ceiling within a time.Duration.
const maxDoublings = 16

// Next returns the next pause.
func (b *Backoff) Next() time.Duration {
	b.pauses++
	return b.below(min(b.Min<<min(b.pauses, maxDoublings), b.Max))
}

// NextSlow returns a pause from the whole range at once, for a failure that
// lasts until somebody changes something.
func (b *Backoff) NextSlow() time.Duration {
	b.pauses++
	return b.below(b.Max)
}

// Reset begins with short pauses again, after a success.
func (b *Backoff) Reset() { b.pauses = 0 }

// Pauses is how many pauses there were since the last Reset.
func (b *Backoff) Pauses() int { return b.pauses }

func (b *Backoff) below(ceiling time.Duration) time.Duration {
	floor := min(b.Min, ceiling/2)
	var random [8]byte
	_, _ = rand.Read(random[:])                                                                 // never fails; a simulation seeds it (testing/cryptotest)
	return floor + time.Duration(binary.LittleEndian.Uint64(random[:])%uint64(ceiling-floor+1)) //nolint:gosec // pauses are short, and not negative
}
