package sourcetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nuid"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// lease is how long the broker in memory waits for an in-progress ack.
const lease = time.Second

// memory is a broker in memory: the smallest that the contract fits. The
// fault, if any, is what its source does wrong.
type memory struct {
	fault string
	name  string // tells two brokers of one process apart

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when there may be something to receive
	queue   []*item
	letters []sourcetest.Record
	target  bool // dead letters have a place
	stopped *source
}

// item is a stored message.
type item struct {
	sourcetest.Record
	at      time.Time
	seq     uint64
	attempt int
	holder  *source
	done    bool
}

func newMemory(fault string) *memory {
	return &memory{fault: fault, name: nuid.Next(), changed: make(chan struct{})}
}

// notify wakes whoever waits. The lock is held.
func (m *memory) notify() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) Publish(_ context.Context, records ...sourcetest.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		stored := &item{Record: r, at: time.Now(), seq: uint64(len(m.queue)) + 1}
		if m.fault == "never stops" {
			stored.holder = m.stopped
		}
		m.queue = append(m.queue, stored)
	}
	m.notify()
	return nil
}

func (m *memory) Open(*testing.T) sources.Source { return &source{broker: m} }

func (m *memory) Settled(context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	floor := slices.IndexFunc(m.queue, func(i *item) bool { return !i.done })
	if floor < 0 {
		floor = len(m.queue)
	}
	return floor, nil
}

func (m *memory) CreateDeadLetters(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.target = true
	return nil
}

func (m *memory) DeadLetters(context.Context) ([]sourcetest.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.letters), nil
}

func (m *memory) Features() sourcetest.Features {
	return sourcetest.Features{Lease: lease, PerMessage: true, Rounds: 100}
}

// source is the source for it. Every if about a fault is a mistake that real
// sources make.
type source struct {
	broker *memory
	closed bool
}

func (s *source) String() string { return "memory:" + s.broker.name }

func (s *source) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	m := s.broker
	if m.fault == "limit" {
		limit.Messages++
	}
	for {
		m.mu.Lock()
		batch, changed := s.take(limit), m.changed
		m.mu.Unlock()
		if err := ctx.Err(); err != nil && m.fault != "ignores context" {
			s.release(batch)
			return nil, err
		}
		if len(batch) > 0 {
			return s.deliver(batch), nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if m.fault == "ignores context" {
				<-time.After(time.Minute)
				return nil, ctx.Err()
			}
		}
	}
}

// take takes what is free. The lock is held.
func (s *source) take(limit sources.Limit) []*item {
	if s.broker.fault == "greedy" {
		limit.Messages = 1 << 30
	}
	if s.broker.fault == "bytes" {
		limit.Bytes = 0
	}
	var batch []*item
	bytes := 0
	for _, i := range s.broker.queue {
		if limit.Fits(len(batch), bytes, len(i.Body)) && !i.done && (i.holder == nil || s.broker.fault == "lease" && i.holder != s) {
			i.holder = s
			i.attempt++
			batch, bytes = append(batch, i), bytes+len(i.Body)
		}
	}
	if s.broker.fault == "order" {
		slices.Reverse(batch)
	}
	return batch
}

func (s *source) release(batch []*item) {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	for _, i := range batch {
		if i.holder == s {
			i.holder = nil
			i.attempt-- // nobody has seen it
		}
	}
	s.broker.notify()
}

func (s *source) deliver(batch []*item) []*sources.Delivery {
	list := make([]*sources.Delivery, 0, len(batch))
	for _, i := range batch {
		message := sources.Message{Broker: "memory", Topic: s.broker.name, Offset: i.seq, Attempt: i.attempt, Time: i.at, Key: i.Key}
		message.Header, message.Body = i.Header, i.Body
		if s.broker.fault == "headers" {
			message.Header = nil
		}
		list = append(list, sources.NewDelivery(message, &memoryDelivery{s, i, message}))
	}
	return list
}

func (s *source) Stop() {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	s.broker.stopped = s
}

func (s *source) Close(context.Context) error {
	m := s.broker
	if m.fault == "slow" {
		<-time.After(time.Minute)
	}
	if m.fault == "leak" {
		go func() { <-time.After(time.Hour) }()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.closed = true
	for _, i := range m.queue {
		if i.holder == s && m.fault != "keeps" {
			i.holder = nil
		}
	}
	m.notify()
	return nil
}

// memoryDelivery is the settler of one delivery.
type memoryDelivery struct {
	*source
	item    *item
	message sources.Message
}

// settle does f unless the delivery is somebody else's by now.
func (l *memoryDelivery) settle(f func(m *memory)) {
	m := l.broker
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.item.holder == l.source && !l.item.done {
		f(m)
		m.notify()
	}
}

func (l *memoryDelivery) Ack(durable func()) error {
	l.settle(func(m *memory) {
		l.item.done = m.fault != "forgets"
		for _, i := range m.queue {
			if m.fault == "watermark" && i.seq < l.item.seq {
				i.done = true
			}
		}
	})
	switch l.broker.fault {
	case "never durable":
	case "twice durable":
		durable()
		durable()
	default:
		durable()
	}
	return nil
}

func (l *memoryDelivery) Release(time.Duration) error {
	l.settle(func(m *memory) {
		if m.fault != "hoards" {
			l.item.holder = nil
		}
	})
	return nil
}

func (l *memoryDelivery) Reject(_ context.Context, reason sources.Reason) (err error) {
	l.settle(func(m *memory) {
		if !m.target {
			err = errors.New("dead letters have no place")
			l.item.done = m.fault == "acknowledges first"
			return
		}
		letter := sourcetest.Record{Key: l.item.Key, Body: l.item.Body, Header: sources.DeadLetterHeaders(&l.message, reason, time.Now())}
		if m.fault == "bare letters" {
			letter.Header = l.item.Header
		}
		m.letters = append(m.letters, letter)
		l.item.done = true
	})
	return err
}

func (l *memoryDelivery) Lost() <-chan struct{} { return nil }
