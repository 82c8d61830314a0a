// Package core reads subjects without JetStream, as a member of a queue group:
// at most once by nature. What is published while no worker listens, or while all
// are full, is lost, and so is what a worker holds when it dies. Publishers that
// ask for a reply learn what became of theirs.
package core

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

// Source receives notifications from subjects. It listens from Open to Stop; then
// the other workers of the group get what comes.
type Source struct {
	settings nats.Settings
	cfg      Config
	log      *slog.Logger
	conn     *conn.Conn
	health   *conn.Health
	out      *outstanding
	subs     *subscriptions

	closing sync.Once
	closed  error
}

var (
	_ sources.Source   = (*Source)(nil)
	_ sources.Reporter = (*Source)(nil)
)

// Open starts to connect and returns at once, or after the first attempt. Its
// errors are about the settings; that the broker is away is an error of Receive.
func Open(settings nats.Settings, cfg Config, log *slog.Logger) (*Source, error) {
	s := &Source{settings: settings, cfg: cfg, health: conn.NewHealth()}
	s.log = log.With("source", s.String())
	s.out = newOutstanding(s)
	s.subs = newSubscriptions(s)
	events := conn.Events{Up: s.subs.signal, Down: s.subs.signal, Failed: s.subs.failed}
	var err error
	if s.conn, err = conn.Open(settings, s.log, events, cfg.Validate()...); err != nil {
		return nil, err
	}
	if err := s.subs.open(); err != nil {
		s.conn.Close()
		return nil, err
	}
	if s.conn.IsConnected() { // else the server learns of the subscriptions at the next connect
		_ = s.conn.FlushTimeout(conn.Wait)
	}
	return s, nil
}

// String names the source in logs.
func (s *Source) String() string { return "nats-core:" + strings.Join(s.cfg.Subjects, ",") }

// Receive blocks until at least one delivery is there; see [sources.Source].
func (s *Source) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.subs.open(); err != nil {
			return nil, fmt.Errorf("receive from %s: %w", s, err)
		}
		if batch := s.subs.take(limit); len(batch) > 0 {
			return s.out.deliver(batch), nil
		}
		if err := s.ready(ctx); err != nil && ctx.Err() == nil {
			return nil, s.health.Failed(fmt.Errorf("receive from %s: %w", s, err))
		}
		s.health.Receiving()
		s.subs.wait(ctx)
	}
}

// ready says why nothing can come at the moment.
func (s *Source) ready(ctx context.Context) error {
	if err := s.conn.Online(ctx); err != nil {
		return err
	}
	if err := s.subs.refusal(); err != nil {
		s.subs.close() // the next call asks again
		return fmt.Errorf("may the user subscribe to NATS_CORE_SUBJECTS with the queue %s? %w", s.cfg.Queue, err)
	}
	return nil
}

// Status tells how the source is. What waits in memory counts as lag: the
// broker itself holds nothing.
func (s *Source) Status() sources.Status {
	status := s.health.Status(s.conn)
	status.Lag, status.Dropped = s.subs.counts()
	return status
}

// Stop leaves the queue group; see [sources.Source].
func (s *Source) Stop() { s.subs.close() }

// Close tells publishers to try again with what is unsettled, and disconnects;
// see [sources.Source].
func (s *Source) Close(ctx context.Context) error {
	s.closing.Do(func() { s.closed = s.close(ctx) })
	return s.closed
}

func (s *Source) close(ctx context.Context) error {
	defer s.conn.Close()
	s.subs.close()
	s.subs.finish(ctx)
	if lost := s.out.releaseAll(); lost > 0 {
		s.log.Warn("notifications were lost at the stop: their publishers named no reply subject", "count", lost)
	}
	if !s.conn.IsConnected() {
		return nil // nothing that could be kept
	}
	if err := s.conn.Flush(ctx); err != nil {
		return fmt.Errorf("close %s: answers may not have arrived: %w", s, err)
	}
	return nil
}
