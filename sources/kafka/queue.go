package kafka

import (
	"context"
	"sync"
	"time"
)

const (
	// queueLimit is how many decoded messages of a partition wait for Receive.
	queueLimit = 64
	// queueBytes is how large they may be in all partitions, but for one more of
	// each. A partition's part of it is within the other two.
	queueBytes    = 8 << 20
	minQueueBytes = 64 << 10
	maxQueueBytes = 1 << 20
	// yieldPause is how soon others get the memory of a partition that waits.
	yieldPause = 200 * time.Millisecond
)

// queue holds decoded messages of one partition until Receive takes them. It
// is a list with a lock and no channel because messages come one by one, but
// leave by the batch.
type queue struct {
	limit int           // bytes
	space chan struct{} // there is room again

	mu    sync.Mutex
	ready []*lease
	bytes int  // their size
	full  bool // there was no room
}

// newQueue is for one of so many partitions.
func newQueue(of int) *queue {
	return &queue{
		limit: min(max(queueBytes/max(of, 1), minQueueBytes), maxQueueBytes),
		space: make(chan struct{}, 1), ready: make([]*lease, 0, queueLimit),
	}
}

// hasSpace reports that one more may be put.
func (q *queue) hasSpace() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.full = len(q.ready) >= queueLimit || q.bytes >= q.limit
	return !q.full
}

// awaitSpace waits until one more may be put, and reports false if ctx ended
// before. It calls yield now and then.
func (q *queue) awaitSpace(ctx context.Context, yield func()) bool {
	waiting := time.NewTicker(yieldPause)
	defer waiting.Stop()
	for !q.hasSpace() {
		select {
		case <-q.space:
		case <-waiting.C:
			yield()
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// put appends l; the caller has seen that there is space. notify is called if the
// queue was empty.
func (q *queue) put(l *lease, notify func()) {
	q.mu.Lock()
	q.ready = append(q.ready, l)
	q.bytes += l.size
	first := len(q.ready) == 1
	q.mu.Unlock()
	if first {
		notify()
	}
}

// take appends the first messages to batch, at most limit, and while they fit.
func (q *queue) take(batch []*lease, limit int, fits func(size int) bool) []*lease {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < min(limit, len(q.ready)) && fits(q.ready[n].size) {
		n++
	}
	if n == 0 {
		return batch
	}
	if q.full {
		q.full = false
		signal(q.space)
	}
	for _, l := range q.ready[:n] {
		q.bytes -= l.size
	}
	batch = append(batch, q.ready[:n]...)
	left := copy(q.ready, q.ready[n:])
	clear(q.ready[left:])
	q.ready = q.ready[:left]
	return batch
}
