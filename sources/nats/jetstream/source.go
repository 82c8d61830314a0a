// Package jetstream reads NATS JetStream: a durable pull consumer that any number
// of workers share.
//
// Source asks the broker for what the worker has room for and no more, extends
// the ack wait of what is out with in-progress acks, and survives whatever
// happens to the connection, the stream and the consumer: errors of Receive are
// temporary, and the next call binds anew.
package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

// Source receives notifications from one durable consumer.
type Source struct {
	settings nats.Settings
	cfg      Config
	log      *slog.Logger
	conn     *conn.Conn
	health   *conn.Health
	leases   *leases
	inbox    *inbox
	binding  binder
	pin      *pin
	takeover takeover

	elections atomic.Uint64 // of a leader of the consumer, that were heard of

	quit context.CancelFunc
	work sync.WaitGroup

	closing sync.Once
	closed  error
}

var (
	_ sources.Source   = (*Source)(nil)
	_ sources.Reporter = (*Source)(nil)
)

// Open starts to connect and returns at once, or after the first attempt. Its
// errors are about the settings; that the broker is away, or the consumer
// missing, is an error of Receive.
func Open(settings nats.Settings, cfg Config, log *slog.Logger) (*Source, error) {
	s := &Source{settings: settings, cfg: cfg, health: conn.NewHealth(), pin: newPin(cfg)}
	s.log = log.With("source", s.String())
	s.leases = newLeases(s)
	s.inbox = newInbox(s)
	events := conn.Events{Up: s.leases.extendNow, Down: s.disconnected, Failed: s.optional}
	var err error
	if s.conn, err = conn.Open(settings, s.log, events, cfg.Validate()...); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		s.conn.Close()
		return nil, err
	}
	s.start()
	return s, nil
}

// start starts what stop waits for: who tells the broker of the leases, and who
// looks at the consumer.
func (s *Source) start() {
	ctx, quit := context.WithCancel(context.Background())
	s.quit = quit
	s.work.Go(func() { s.leases.run(ctx) })
	s.work.Go(func() { (&monitor{src: s}).run(ctx) })
}

func (s *Source) stop() {
	s.quit()
	s.work.Wait()
}

// listen subscribes to the inbox in which the broker puts the messages.
func (s *Source) listen() error {
	s.inbox.prefix = s.conn.NewInbox() + "."
	sub, err := s.conn.Subscribe(s.inbox.prefix+"*", s.inbox.handle)
	if err == nil {
		// Not more than was asked for ever waits here, so nothing may be dropped.
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		return fmt.Errorf("subscribe to inbox: %w", err)
	}
	_, err = s.conn.Subscribe(s.elected(), func(*client.Msg) { s.elections.Add(1) })
	if err != nil {
		return fmt.Errorf("subscribe to elections: %w", err)
	}
	return nil
}

// elected is where a cluster tells that the consumer has another leader.
func (s *Source) elected() string { return electedSubject + s.cfg.Stream + "." + s.cfg.Consumer }

func (s *Source) disconnected() {
	s.inbox.fail(conn.ErrOffline) // the broker has forgotten the request
	notify(s.leases.change)
}

// String names the source in logs.
func (s *Source) String() string { return "nats:" + s.cfg.Stream }

// Receive blocks until at least one delivery is there; see [sources.Source].
func (s *Source) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	for {
		if err := s.waitAfterChange(ctx); err != nil {
			return nil, err
		}
		batch := s.inbox.take(limit)
		err := s.lookAtBodies(ctx, batch)
		if err == nil && len(batch) > 0 {
			return s.deliveries(batch), nil
		}
		if err == nil {
			err = s.await(ctx, limit)
		}
		if err != nil && ctx.Err() == nil {
			s.binding.bound = nil
			return nil, s.health.Failed(fmt.Errorf("receive from %s: %w", s, err))
		}
	}
}

// await sends a request unless one is open, and waits for its outcome.
func (s *Source) await(ctx context.Context, limit sources.Limit) error {
	if s.inbox.isOpen() {
		return s.inbox.wait(ctx)
	}
	err := s.bind(ctx)
	if err == nil && !s.pin.inOrder() {
		if limit, err = s.takeOver(ctx); err == nil && limit.Messages == 0 {
			return nil
		}
	}
	if err == nil {
		err = s.request(limit)
	}
	if err != nil {
		return err
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

// Status tells how the source is, without asking the broker.
func (s *Source) Status() sources.Status { return s.health.Status(s.conn) }

// Stop releases what has arrived and still arrives; see [sources.Source].
func (s *Source) Stop() { s.inbox.stop() }

// Close releases everything unsettled and disconnects; see [sources.Source].
func (s *Source) Close(ctx context.Context) error {
	s.closing.Do(func() { s.closed = s.close(ctx) })
	return s.closed
}

// closeTime bounds Close where its context does not.
const closeTime = 5 * time.Second

func (s *Source) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	defer s.conn.Close()
	defer s.stop()
	s.inbox.stop()
	// What is released while our own request is open would come to us again.
	s.inbox.settle(ctx)
	released := s.leases.releaseAll()
	err := s.leases.awaitAcks(ctx)
	if unpinned := s.unpin(); err == nil && (released > 0 || unpinned) {
		err = s.conn.Flush(ctx)
	}
	uncertain := s.leases.abandon()
	if released+uncertain == 0 || err == nil {
		return nil
	}
	return fmt.Errorf("close %s: %d notifications may come again after the ack wait: %w", s, released+uncertain, err)
}
