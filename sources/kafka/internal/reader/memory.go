package reader

import (
	"cmp"
	"context"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

const (
	// fetchShare is what all readers together may have fetched and not yet read,
	// beside large batches. Each has its part of it.
	fetchShare = 8 << 20
	minFetch   = 32 << 10
	maxFetch   = 1 << 20
	// largeBytes bounds batches that are larger than a reader's part, and
	// windowBytes what decompressing takes. One larger than that is alone.
	largeBytes  = 8 << 20
	windowBytes = 8 << 20
	// maxBatch is what one batch may take at most, with what decompressing it takes.
	maxBatch = 32 << 20
)

// Memory bounds what the readers of a source hold in all, in bytes, whatever
// their number, and the size and the codec of the batches.
type Memory struct {
	batch   int // what one batch may take
	codecs  *record.Codecs
	large   bound
	windows bound
}

// NewMemory is for the readers of one source. One batch may take as many bytes; 0:
// as many as any batch may.
func NewMemory(batch int) (*Memory, error) {
	codecs, err := record.NewCodecs(2)
	if err != nil {
		return nil, err
	}
	return &Memory{batch: min(cmp.Or(batch, maxBatch), maxBatch), codecs: codecs, large: newBound(largeBytes), windows: newBound(windowBytes)}, nil
}

// Close ends the codecs.
func (m *Memory) Close() { m.codecs.Close() }

// acquireLarge waits until a batch of n bytes may be fetched. The one before may still
// be there as garbage, and there is no memory for two: what is collected goes back to
// the system at once.
func (m *Memory) acquireLarge(ctx context.Context, n int64) (release func(), err error) {
	release, err = m.large.acquire(ctx, n)
	if err == nil && n > m.large.size {
		debug.FreeOSMemory()
	}
	return release, err
}

// bound is a number of bytes that readers share.
type bound struct {
	size    int64
	free    *semaphore.Weighted
	waiting *atomic.Int32
}

func newBound(size int64) bound {
	return bound{size: size, free: semaphore.NewWeighted(size), waiting: new(atomic.Int32)}
}

// acquire waits for n bytes, and returns what gives them back.
func (b bound) acquire(ctx context.Context, n int64) (release func(), err error) {
	n = min(n, b.size)
	b.waiting.Add(1)
	defer b.waiting.Add(-1)
	if err := b.free.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { b.free.Release(n) }, nil
}

// contended reports that a reader waits.
func (b bound) contended() bool { return b.waiting.Load() > 0 }
