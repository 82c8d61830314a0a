package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/header"
)

const (
	// bufferBytes is what may wait in memory, over all subjects of a source.
	bufferBytes = 16 << 20
	// readyMessages is how many messages, whatever their size, can be taken at once.
	readyMessages = 8
)

// subscriptions are those of a source to its subjects. The client keeps what is
// not taken yet, within limits; beyond them it drops.
type subscriptions struct {
	src   *Source
	drops *drops
	in    chan *client.Msg
	wake  chan struct{} // the connection or a permission has changed
	next  *client.Msg   // taken from in, and not yet by Receive, to which it belongs; or nil

	mu      sync.Mutex
	list    []*client.Subscription // nil: not subscribed
	closed  chan struct{}          // closed when nobody takes messages of the list
	ends    []<-chan client.SubStatus
	refused error // the broker does not let us subscribe
}

func newSubscriptions(src *Source) *subscriptions {
	return &subscriptions{
		src: src, drops: newDrops(src.log),
		in: make(chan *client.Msg, readyMessages), wake: make(chan struct{}, 1),
	}
}

// open subscribes, unless that has been done.
func (s *subscriptions) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list != nil {
		return nil
	}
	s.closed = make(chan struct{})
	for _, subject := range s.src.cfg.Subjects {
		if err := s.subscribe(subject, s.closed); err != nil {
			s.unsubscribe() // all or none
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
	}
	return nil
}

// subscribe subscribes to one subject. mu is held.
func (s *subscriptions) subscribe(subject string, closed <-chan struct{}) error {
	cfg := s.src.cfg
	sub, err := s.src.conn.QueueSubscribe(subject, cfg.Queue, func(m *client.Msg) { s.pass(m, closed) })
	if err != nil {
		return err
	}
	s.list = append(s.list, sub)
	if err := sub.SetPendingLimits(cfg.Buffer, bufferBytes/len(cfg.Subjects)); err != nil {
		return err
	}
	s.drops.watch(sub)
	return nil
}

// pass gives m to who takes it. When nobody does any more, its publisher may try
// again.
func (s *subscriptions) pass(m *client.Msg, closed <-chan struct{}) {
	select {
	case <-closed:
		s.src.out.refuse(m)
		return
	default:
	}
	select {
	case s.in <- m:
	case <-closed:
		s.src.out.refuse(m)
	}
}

// wait waits until a message is there, something has changed, or ctx ends.
func (s *subscriptions) wait(ctx context.Context) {
	if s.next != nil {
		return
	}
	select {
	case s.next = <-s.in:
	case <-s.wake:
	case <-ctx.Done():
	}
}

// take returns what is there, up to limit.
func (s *subscriptions) take(limit sources.Limit) (batch []*client.Msg) {
	for bytes := 0; s.peek() != nil; s.next = nil {
		size := header.Size(s.next)
		if !limit.Fits(len(batch), bytes, size) {
			break
		}
		bytes += size
		batch = append(batch, s.next)
	}
	return batch
}

// peek returns the next message, or nil if none is there.
func (s *subscriptions) peek() *client.Msg {
	if s.next == nil {
		select {
		case s.next = <-s.in:
		default:
		}
	}
	return s.next
}

// close unsubscribes: the broker gives what comes to other workers of the group.
// What is here, and what still arrives, is refused.
func (s *subscriptions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsubscribe()
}

// unsubscribe does what close says. mu is held.
func (s *subscriptions) unsubscribe() {
	if s.list == nil {
		return
	}
	s.ends = nil
	for _, sub := range s.list {
		s.ends = append(s.ends, sub.StatusChanged(client.SubscriptionClosed))
		if !s.src.conn.IsConnected() || sub.Drain() != nil {
			_ = sub.Unsubscribe() // fails only if it has ended already
		}
	}
	s.list = nil
	close(s.closed)
	s.refuseAll()
}

// ended waits until nothing arrives any more.
func (s *subscriptions) ended(ctx context.Context) {
	for _, end := range s.ends {
		select {
		case <-end:
		case <-ctx.Done():
		}
	}
	s.refuseAll()
}

// pending is how many messages wait in memory.
func (s *subscriptions) pending() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := len(s.in)
	for _, sub := range s.list {
		if n, _, err := sub.Pending(); err == nil { // else it has ended
			count += n
		}
	}
	return int64(count)
}

// refuseAll refuses what is here.
func (s *subscriptions) refuseAll() {
	for _, m := range s.take(sources.Limit{Messages: readyMessages + 1}) {
		s.src.out.refuse(m)
	}
}

func (s *subscriptions) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// failed takes care of errors about the subscriptions.
func (s *subscriptions) failed(err error) bool {
	switch {
	case errors.Is(err, client.ErrSlowConsumer):
		s.drops.log(false)
		return true
	case errors.Is(err, client.ErrPermissionViolation) && strings.Contains(strings.ToLower(err.Error()), "subscription to"):
		s.mu.Lock()
		s.refused = err
		s.mu.Unlock()
		s.signal()
		return true
	}
	return false
}

// refusal tells once why the broker does not let us subscribe.
func (s *subscriptions) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refused
	s.refused = nil
	return err
}
