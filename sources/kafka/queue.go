package kafka

import (
	"context"
	"sync"
)

const (
	// queueLimit is how many decoded messages of a partition wait for Receive.
	queueLimit = 64
	// queueBytes is how large they may be in all. One waits whatever its size.
	queueBytes = 1 << 20
)

// queue holds decoded messages of one partition until Receive takes them. It
// is a list with a lock and no channel because messages come one by one, but
// leave by the batch.
type queue struct {
	space chan struct{} // there is room again

	mu    sync.Mutex
	ready []*lease
	bytes int  // their size
	full  bool // put waits for space
}

func newQueue() *queue {
	return &queue{space: make(chan struct{}, 1), ready: make([]*lease, 0, queueLimit)}
}

// put appends l when there is room for it, unless ctx ends before. notify is
// called if the queue was empty.
func (q *queue) put(ctx context.Context, l *lease, notify func()) {
	for {
		if waiting, ok := q.tryPut(l); ok {
			if waiting == 1 {
				notify()
			}
			return
		}
		select {
		case <-q.space:
		case <-ctx.Done():
			return
		}
	}
}

// tryPut appends l if there is room, and counts what waits now.
func (q *queue) tryPut(l *lease) (waiting int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.full = len(q.ready) == queueLimit || len(q.ready) > 0 && q.bytes+l.size > queueBytes
	if q.full {
		return len(q.ready), false
	}
	q.ready = append(q.ready, l)
	q.bytes += l.size
	return len(q.ready), true
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
