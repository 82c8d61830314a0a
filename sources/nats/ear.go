package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

const (
	// bufferBytes is what may wait in memory, over all subjects of a source.
	bufferBytes = 16 << 20
	// handful is how many messages are ready to be taken at once.
	handful = 64
)

// ear listens to the subjects of a Core. The client keeps what is not taken
// yet, within limits; beyond them it drops.
type ear struct {
	core  *Core
	drops *drops
	in    chan *nats.Msg
	wake  chan struct{} // there is trouble, or its end

	mu      sync.Mutex
	subs    []*nats.Subscription
	deaf    chan struct{} // closed when nobody takes any more
	ends    []<-chan nats.SubStatus
	refused error // the broker does not let us subscribe
}

func newEar(c *Core) *ear {
	e := &ear{core: c, in: make(chan *nats.Msg, handful), wake: make(chan struct{}, 1)}
	e.drops = &drops{log: c.log}
	return e
}

// open subscribes, unless that has been done.
func (e *ear) open() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.subs != nil {
		return nil
	}
	deaf := make(chan struct{})
	e.deaf = deaf
	for _, subject := range e.core.cfg.Subjects {
		sub, err := e.core.conn.QueueSubscribe(subject, e.core.cfg.Queue, func(m *nats.Msg) { e.hand(m, deaf) })
		if err != nil {
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		e.subs = append(e.subs, sub)
		if err := sub.SetPendingLimits(e.core.cfg.Buffer, bufferBytes/len(e.core.cfg.Subjects)); err != nil {
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		e.drops.watch(sub)
	}
	return nil
}

// hand passes m on to who takes it. When nobody does any more, its publisher
// may try again.
func (e *ear) hand(m *nats.Msg, deaf <-chan struct{}) {
	select {
	case <-deaf:
		e.core.loans.refuse(m)
		return
	default:
	}
	select {
	case e.in <- m:
	case <-deaf:
		e.core.loans.refuse(m)
	}
}

// next waits for a message. Nil: something has changed, or ctx has ended.
func (e *ear) next(ctx context.Context) *nats.Msg {
	select {
	case m := <-e.in:
		return m
	case <-e.wake:
	case <-ctx.Done():
	}
	return nil
}

// take adds what is there to batch, up to limit.
func (e *ear) take(batch []*nats.Msg, limit int) []*nats.Msg {
	for len(batch) < max(limit, 1) {
		select {
		case m := <-e.in:
			batch = append(batch, m)
		default:
			return batch
		}
	}
	return batch
}

// close stops listening: the broker gives what comes to other workers of the
// group. What is on its way and what is here is sent away.
func (e *ear) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.subs == nil {
		return
	}
	e.ends = nil
	for _, sub := range e.subs {
		e.ends = append(e.ends, sub.StatusChanged(nats.SubscriptionClosed))
		if !e.core.conn.IsConnected() || sub.Drain() != nil {
			_ = sub.Unsubscribe() // fails only if it has ended already
		}
	}
	e.subs = nil
	close(e.deaf)
	e.refuseAll()
}

// wait waits until nothing comes any more.
func (e *ear) wait(ctx context.Context) {
	for _, end := range e.ends {
		select {
		case <-end:
		case <-ctx.Done():
		}
	}
	e.refuseAll()
}

// pending is how many messages wait in memory.
func (e *ear) pending() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	count := len(e.in)
	for _, sub := range e.subs {
		if n, _, err := sub.Pending(); err == nil { // else it has ended
			count += n
		}
	}
	return int64(count)
}

// refuseAll sends away what is here.
func (e *ear) refuseAll() {
	for _, m := range e.take(nil, handful) {
		e.core.loans.refuse(m)
	}
}

func (e *ear) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// failed takes care of errors about the subscriptions.
func (e *ear) failed(err error) bool {
	switch {
	case errors.Is(err, nats.ErrSlowConsumer):
		e.drops.tell(false)
		return true
	case errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(strings.ToLower(err.Error()), "subscription to"):
		e.mu.Lock()
		e.refused = err
		e.mu.Unlock()
		e.signal()
		return true
	}
	return false
}

// refusal tells once why the broker does not let us subscribe.
func (e *ear) refusal() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.refused
	e.refused = nil
	return err
}
