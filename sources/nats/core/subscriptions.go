package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/header"
)

const (
	// bufferBytes is what may wait in memory, over all subjects of a source.
	bufferBytes = 16 << 20
	// dropsEvery is how often the log tells of messages that were dropped.
	dropsEvery = time.Minute
)

// subscriptions are those of a source to its subjects, with what has arrived and was
// not taken yet. What is beyond the limits is dropped.
type subscriptions struct {
	src  *Source
	wake chan struct{} // a message is there, or the connection or a permission has changed

	mu      sync.Mutex
	list    []*client.Subscription    // nil: not subscribed
	ends    []<-chan client.SubStatus // of those that were closed
	refused error                     // the broker does not let us subscribe
	waiting []*client.Msg
	loads   map[*client.Subscription]load // of what waits
	drops   drops
}

// load is how much waits of one subject.
type load struct{ messages, bytes int }

// drops counts the messages for which there was no room.
type drops struct {
	total, logged int
	at            time.Time // of the last line in the log
}

func newSubscriptions(src *Source) *subscriptions {
	return &subscriptions{src: src, wake: make(chan struct{}, 1)}
}

// open subscribes, unless that has been done.
func (s *subscriptions) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list != nil {
		return nil
	}
	s.loads = map[*client.Subscription]load{}
	for _, subject := range s.src.cfg.Subjects {
		if err := s.subscribe(subject); err != nil {
			s.unsubscribe() // all or none
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
	}
	return nil
}

// subscribe subscribes to one subject. mu is held.
func (s *subscriptions) subscribe(subject string) error {
	sub, err := s.src.conn.QueueSubscribe(subject, s.src.cfg.Queue, s.arrived)
	if err != nil {
		return err
	}
	s.list = append(s.list, sub)
	return sub.SetPendingLimits(-1, -1) // arrived has limits of its own, and never blocks
}

// arrived takes a message from the client. When nobody receives any more, its
// publisher may try again.
func (s *subscriptions) arrived(m *client.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		s.src.out.refuse(m)
		return
	}
	now := s.loads[m.Sub]
	now.messages, now.bytes = now.messages+1, now.bytes+header.Size(m)
	if now.messages > s.src.cfg.Buffer || now.bytes > bufferBytes/len(s.list) {
		s.drops.total++
		s.logDrops(false)
		return
	}
	s.loads[m.Sub] = now
	s.waiting = append(s.waiting, m)
	s.signal()
}

// take returns what is there, up to limit.
func (s *subscriptions) take(limit sources.Limit) []*client.Msg {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logDrops(false)
	batch := sources.Take(limit, &s.waiting, header.Size)
	for _, m := range batch {
		now := s.loads[m.Sub]
		s.loads[m.Sub] = load{now.messages - 1, now.bytes - header.Size(m)}
	}
	return batch
}

// logDrops logs what was dropped since the last time, not too often unless it is
// the last time. mu is held.
func (s *subscriptions) logDrops(last bool) {
	d := &s.drops
	if d.total == d.logged || !last && time.Since(d.at) < dropsEvery {
		return
	}
	s.src.log.Warn("notifications were lost: there is no room for more, see NATS_CORE_BUFFER", "count", d.total-d.logged, "total", d.total)
	d.logged, d.at = d.total, time.Now()
}

// wait waits until a message is there, something has changed, or ctx ends.
func (s *subscriptions) wait(ctx context.Context) {
	select {
	case <-s.wake:
	case <-ctx.Done():
	}
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
	for _, m := range s.waiting {
		s.src.out.refuse(m)
	}
	s.list, s.waiting = nil, nil
}

// finish waits until nothing arrives any more.
func (s *subscriptions) finish(ctx context.Context) {
	for _, end := range s.ends {
		select {
		case <-end:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logDrops(true)
}

// counts is how many messages wait in memory, and how many were dropped.
func (s *subscriptions) counts() (waiting, dropped int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.waiting)), int64(s.drops.total)
}

func (s *subscriptions) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// failed takes care of errors about the subscriptions.
func (s *subscriptions) failed(err error) bool {
	if !errors.Is(err, client.ErrPermissionViolation) || !strings.Contains(strings.ToLower(err.Error()), "subscription to") {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = err
	s.signal()
	return true
}

// refusal tells once why the broker does not let us subscribe.
func (s *subscriptions) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refused
	s.refused = nil
	return err
}
