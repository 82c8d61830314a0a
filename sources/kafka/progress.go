package kafka

import (
	"fmt"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
)

// progress is how reading a partition gets on. It may be used from any goroutine.
type progress struct {
	mu    sync.Mutex
	read  int64 // the next offset to read; negative if it is not known yet
	ends  reader.Ends
	told  time.Time // when the broker told ends
	since time.Time // when there was progress, or none was needed
	full  bool      // nothing is read because what has been read waits
	err   error     // the last one of reading, until it succeeds again
}

func newProgress() *progress {
	return &progress{read: -1, ends: reader.Ends{Stable: -1, High: -1}, since: time.Now()}
}

// note takes what a reader knows, and its error.
func (p *progress) note(r *reader.Reader, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.err = err; err == nil && r.Ends().Stable >= 0 {
		p.ends, p.told = r.Ends(), now
	}
	if r.Offset() != p.read || err == nil && p.read >= p.ends.High {
		p.since = now
	}
	p.read = r.Offset()
}

// measured takes the end that a broker told to who asked.
func (p *progress) measured(stable int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends.Stable, p.told = stable, time.Now()
	p.ends.High = max(p.ends.High, stable)
}

// wait notes that reading waits for room, or goes on.
func (p *progress) wait(full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full = full; !full {
		p.since = time.Now()
	}
}

// fresh reports that the end was told within the last d.
func (p *progress) fresh(d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends.Stable >= 0 && time.Since(p.told) < d
}

// lag is how much waits from next on; negative if that is not known, or was told longer
// than d ago and may have grown from nothing.
func (p *progress) lag(next int64, d time.Duration) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ends.Stable < 0 || next < 0 {
		return -1
	}
	lag := max(p.ends.Stable-next, 0)
	if lag == 0 && time.Since(p.told) > d {
		return -1
	}
	return lag
}

// stalled says why there has been no progress for d although there is something to
// read, or may be; nil if there is.
func (p *progress) stalled(d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full || time.Since(p.since) < d {
		return nil
	}
	switch {
	case p.err != nil: // whether there is something, nobody can tell
		return fmt.Errorf("offset %d: %w", p.read, p.err)
	case p.read < 0:
		return nil // it is about to begin
	case p.read < p.ends.Stable:
		return fmt.Errorf("offset %d of %d: nothing comes", p.read, p.ends.Stable)
	case p.read < p.ends.High:
		return fmt.Errorf("offset %d of %d: a producer's transaction is open", p.read, p.ends.High)
	}
	return nil
}
