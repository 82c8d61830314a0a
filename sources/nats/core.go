package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Core receives notifications from subjects without JetStream, as a member of
// a queue group. It delivers once at most: what is published while no worker
// listens, or while all are full, is lost, and so is what a worker holds when
// it dies. Publishers that ask for a reply learn what became of theirs.
//
// It listens from Open to Stop; then the other workers of the group get what
// comes.
type Core struct {
	common    Common
	cfg       CoreConfig
	log       *slog.Logger
	watch     *watcher
	conn      *nats.Conn
	js        jetstream.JetStream // for dead letters
	condition condition
	loans     *loans
	ear       *ear

	closing sync.Once
	closed  error
}

var _ sources.Source = (*Core)(nil)

// OpenCore starts to connect and returns at once, or after the first try. Its
// errors are about the settings; that the broker is away is an error of
// Receive.
func OpenCore(common Common, cfg CoreConfig, log *slog.Logger) (*Core, error) {
	if err := errors.Join(append(common.Validate(), cfg.Validate()...)...); err != nil {
		return nil, err
	}
	c := &Core{common: common, cfg: cfg}
	c.log = log.With("source", c.String())
	c.loans = newLoans(c)
	c.ear = newEar(c)
	c.watch = &watcher{log: c.log, up: c.ear.signal, down: c.ear.signal, failed: c.ear.failed}
	var err error
	if c.conn, err = common.dial(c.watch); err != nil {
		return nil, err
	}
	if err := c.listen(); err != nil {
		c.conn.Close()
		return nil, err
	}
	return c, nil
}

// listen subscribes, and waits until the broker knows of it, if there is one.
func (c *Core) listen() (err error) {
	if c.js, err = jetstream.New(c.conn); err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	if err := c.ear.open(); err != nil {
		return err
	}
	if c.conn.IsConnected() {
		_ = c.conn.FlushTimeout(connectTime) // else it is told at the next connect
	}
	return nil
}

// String names the source in logs.
func (c *Core) String() string { return "nats-core:" + strings.Join(c.cfg.Subjects, ",") }

// Receive blocks until at least one delivery is there; see [sources.Source].
func (c *Core) Receive(ctx context.Context, limit int) ([]*sources.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.ear.open(); err != nil {
			return nil, fmt.Errorf("receive from %s: %w", c, err)
		}
		c.ear.drops.tell(false)
		if batch := c.ear.take(nil, limit); len(batch) > 0 {
			return c.loans.lend(batch), nil
		}
		if err := c.ready(ctx); err != nil && ctx.Err() == nil {
			return nil, c.condition.ill(fmt.Errorf("receive from %s: %w", c, err))
		}
		c.condition.well()
		if first := c.ear.next(ctx); first != nil {
			return c.loans.lend(c.ear.take([]*nats.Msg{first}, limit)), nil
		}
	}
}

// ready says why nothing can come at the moment.
func (c *Core) ready(ctx context.Context) error {
	if err := c.watch.online(ctx, c.conn); err != nil {
		return err
	}
	if err := c.ear.refusal(); err != nil {
		c.ear.close() // the next call asks again
		return fmt.Errorf("may the user subscribe to NATS_CORE_SUBJECTS with the queue %s? %w", c.cfg.Queue, err)
	}
	return nil
}

// Stop leaves the queue group; see [sources.Source].
func (c *Core) Stop() { c.ear.close() }

// Close tells publishers to try again with what is unsettled, and disconnects;
// see [sources.Source].
func (c *Core) Close(ctx context.Context) error {
	c.closing.Do(func() { c.closed = c.close(ctx) })
	return c.closed
}

func (c *Core) close(ctx context.Context) error {
	defer c.conn.Close()
	c.ear.close()
	c.ear.wait(ctx)
	lost := c.loans.releaseAll()
	c.ear.drops.tell(true)
	if lost > 0 {
		c.log.Warn("notifications are lost with the stop of the worker: their publishers want no answer", "count", lost)
	}
	if !c.conn.IsConnected() {
		return nil // nothing that could be kept
	}
	if err := flush(ctx, c.conn); err != nil {
		return fmt.Errorf("close %s: answers may not have arrived: %w", c, err)
	}
	return nil
}
