package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// settle shows what the broker hears from the worker, until everything in the stream
// is acknowledged.
func (d *demo) settle(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := d.look(limited)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case now.acked == now.last && now.told >= now.last:
			return nil
		}
		select {
		case <-tick.C:
		case <-limited.Done():
			return fmt.Errorf("wait for the acknowledgements, %d of %d came: %w", now.acked, now.last, context.Cause(limited))
		}
	}
}

// look shows what is new in the broker: first the dead letters, as what comes after
// them is acknowledged later.
func (d *demo) look(ctx context.Context) (progress, error) {
	now, err := d.broker.progress(ctx)
	dead := d.broker.each(ctx, deadLettersName, d.dead+1, func(m *jetstream.RawStreamMsg) {
		d.dead = m.Sequence
		d.screen.line(red, "dead", fmt.Sprintf("letter in the stream %s: %s\nreason: %s", deadLettersName, m.Subject, m.Header.Get("x-dlq-error")))
	})
	if now.acked > d.acked {
		d.acked = now.acked
		d.screen.line(green, "ack", fmt.Sprintf("up to %d of %d", now.acked, now.last))
	}
	return now, errors.Join(err, dead)
}
