// Package nats has two sources. Source reads NATS JetStream: a durable pull
// consumer that any number of workers share. Core reads subjects without
// JetStream, in a queue group: at most once by nature.
//
// Source asks the broker for what the worker has room for and no more, keeps
// what is out alive with progress messages, and survives whatever happens to
// the connection, the stream and the consumer: errors of Receive are
// temporary, and the next call binds anew.
package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Source receives notifications from one durable consumer.
type Source struct {
	common    Common
	cfg       Config
	log       *slog.Logger
	watch     *watcher
	conn      *nats.Conn
	js        jetstream.JetStream
	sub       *nats.Subscription
	condition condition
	leases    *leases
	inbox     *inbox
	bound     *binding  // nil: look the consumer up; belongs to Receive
	links     uint64    // connections so far; belongs to Receive
	calm      time.Time // until then nothing is asked for; belongs to Receive
	warned    string    // the last warning about the consumer

	closing sync.Once
	closed  error
}

var _ sources.Source = (*Source)(nil)

// Open starts to connect and returns at once, or after the first try. Its
// errors are about the settings; that the broker is away, or the consumer
// missing, is an error of Receive.
func Open(common Common, cfg Config, log *slog.Logger) (*Source, error) {
	if err := errors.Join(append(common.Validate(), cfg.Validate()...)...); err != nil {
		return nil, err
	}
	s := &Source{common: common, cfg: cfg}
	s.log = log.With("source", s.String())
	s.condition.lag.Store(-1)
	s.leases = newLeases(s)
	s.inbox = newInbox(s.leases)
	s.watch = &watcher{log: s.log, up: s.leases.connected, down: s.inbox.disconnected}
	var err error
	if s.conn, err = common.dial(s.watch); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		s.conn.Close()
		return nil, err
	}
	s.leases.start()
	return s, nil
}

// listen subscribes to the inbox in which the broker puts the messages.
func (s *Source) listen() (err error) {
	if s.js, err = jetstream.New(s.conn); err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	s.inbox.prefix = s.conn.NewInbox() + "."
	if s.sub, err = s.conn.Subscribe(s.inbox.prefix+"*", s.inbox.handle); err != nil {
		return fmt.Errorf("subscribe to inbox: %w", err)
	}
	// Not more than was asked for ever waits here, so nothing may be dropped.
	if err = s.sub.SetPendingLimits(-1, -1); err != nil {
		return fmt.Errorf("subscribe to inbox: %w", err)
	}
	return nil
}

// String names the source in logs.
func (s *Source) String() string { return "nats:" + s.cfg.Stream }

// Receive blocks until at least one delivery is there; see [sources.Source].
func (s *Source) Receive(ctx context.Context, limit int) ([]*sources.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if batch := s.inbox.take(limit); len(batch) > 0 {
			return s.deliveries(batch), nil
		}
		if err := s.await(ctx, limit); err != nil && ctx.Err() == nil {
			s.bound = nil
			return nil, s.condition.ill(fmt.Errorf("receive from %s: %w", s, err))
		}
	}
}

// await sends a request unless one is open, and waits for its outcome.
func (s *Source) await(ctx context.Context, limit int) error {
	if !s.inbox.isOpen() {
		if err := s.bind(ctx); err != nil {
			return err
		}
		if err := s.request(limit); err != nil {
			return err
		}
	}
	return s.inbox.wait(ctx)
}

func (s *Source) deliveries(batch []*lease) []*sources.Delivery {
	list := make([]*sources.Delivery, len(batch))
	for i, l := range batch {
		m := l.message()
		if l.poison = s.cfg.tooOften(m.Attempt); l.poison != nil {
			list[i] = sources.NewUndecoded(m, l, l.poison)
		} else {
			list[i] = sources.NewDelivery(m, l)
		}
	}
	return list
}

// tooOften says why the message of an attempt is taken for one that kills its
// workers, or nil.
func (c Config) tooOften(attempt int) error {
	if c.MaxDeliver == 0 || attempt <= c.MaxDeliver {
		return nil
	}
	return fmt.Errorf("delivered %d times without success, NATS_MAX_DELIVER allows %d", attempt-1, c.MaxDeliver)
}

// Stop releases what has arrived and still arrives; see [sources.Source].
func (s *Source) Stop() { s.inbox.stop() }

// Close gives everything unsettled back and disconnects; see [sources.Source].
func (s *Source) Close(ctx context.Context) error {
	s.closing.Do(func() { s.closed = s.close(ctx) })
	return s.closed
}

func (s *Source) close(ctx context.Context) error {
	defer s.conn.Close()
	s.inbox.stop()
	s.leases.stop()
	// What is given back while our own request is open would come to us again.
	s.inbox.settle(ctx)
	released := s.leases.releaseAll()
	uncertain, err := s.leases.acks.finish(ctx)
	if released+uncertain == 0 || err == nil {
		return nil
	}
	return fmt.Errorf("close %s: %d notifications may come again after the ack wait: %w", s, released+uncertain, err)
}
