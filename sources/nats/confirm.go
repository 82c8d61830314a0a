package nats

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// confirmTime limits one question to the broker; the next one follows.
	confirmTime = time.Second
	// gatherTime is how long acknowledgements may gather before the question.
	gatherTime = 5 * time.Millisecond
	// gatherShare ends that when as many have gathered as this part of those
	// that are still to come. A question costs as much as a few messages; but the
	// worker may have few messages in doubt, until they are confirmed, holds
	// up to two windows more, and must not run dry.
	gatherShare = 8
)

// acks are the acknowledgements of which it is not yet certain that the broker
// has them. One goroutine asks, for all of them with one ping: its answer
// comes after everything that was sent before it. What was sent over a
// connection that has broken since is sent again.
type acks struct {
	conn func() *nats.Conn
	held func() int // messages on loan, those in the list included
	poke chan struct{}

	mu     sync.Mutex
	list   []*lease
	closed bool
}

func newAcks(conn func() *nats.Conn, held func() int) *acks {
	return &acks{conn: conn, held: held, poke: make(chan struct{}, 1)}
}

// add notes that l was acknowledged.
func (a *acks) add(l *lease) {
	a.mu.Lock()
	closed := a.closed
	if !closed {
		a.list = append(a.list, l)
	}
	a.mu.Unlock()
	if closed {
		l.confirmed()
	} else {
		a.hurry()
	}
}

// hurry has the broker asked now.
func (a *acks) hurry() {
	select {
	case a.poke <- struct{}{}:
	default:
	}
}

// run asks until ctx ends.
func (a *acks) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.poke:
			a.gather(ctx)
			if a.conn().IsConnected() { // else the new connection pokes
				a.confirm(ctx)
			}
		}
	}
}

// gather waits until it is worth its while to ask.
func (a *acks) gather(ctx context.Context) {
	late := time.NewTimer(gatherTime)
	defer late.Stop()
	for !a.enough() {
		select {
		case <-a.poke:
		case <-late.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (a *acks) enough() bool {
	a.mu.Lock()
	gathered := len(a.list)
	a.mu.Unlock()
	return gathered*gatherShare >= a.held()-gathered
}

// confirm asks once.
func (a *acks) confirm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	batch := a.take(false)
	err := a.conn().FlushWithContext(ctx)
	left := a.sort(batch, err)
	if len(left) == 0 {
		return
	}
	a.mu.Lock()
	a.list = append(left, a.list...)
	a.mu.Unlock()
	a.hurry()
}

// sort confirms what the broker has for certain and returns the rest, sent
// again where the connection has changed.
func (a *acks) sort(batch []*lease, err error) []*lease {
	now := epoch(a.conn())
	var left []*lease
	for _, l := range batch {
		if !l.repeat(now) && err == nil {
			l.confirmed()
		} else {
			left = append(left, l)
		}
	}
	return left
}

// take empties the list. The last time, nothing is added to it any more.
func (a *acks) take(last bool) []*lease {
	a.mu.Lock()
	defer a.mu.Unlock()
	batch := a.list
	a.list = nil
	a.closed = a.closed || last
	return batch
}

// finish asks for the last time and returns how many stay uncertain.
func (a *acks) finish(ctx context.Context) (uncertain int, err error) {
	batch := a.take(true)
	now := epoch(a.conn())
	for _, l := range batch {
		l.repeat(now)
	}
	if a.conn().IsConnected() {
		err = flush(ctx, a.conn())
	} else {
		err = errOffline
	}
	for _, l := range batch {
		l.confirmed()
	}
	if err != nil {
		uncertain = len(batch)
	}
	return uncertain, err
}

// epoch tells one connection from the next.
func epoch(conn *nats.Conn) uint64 { return conn.Stats().Reconnects }
