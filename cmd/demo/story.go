package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// burst notifications are published at once while the connection breaks,
	// at the reflection of the cutAt-th of them.
	burst = 5
	cutAt = 2
	// longestGap between two notifications leaves time to read.
	longestGap = 1500 * time.Millisecond
)

// tell plays the chapters. It returns ctx's error if that ends it.
func (d *demo) tell(ctx context.Context) error {
	if err := d.room.waitUntil(ctx, true); err != nil {
		return fmt.Errorf("wait for the worker to join: %w", err)
	}
	began := time.Now()
	part := func(percent time.Duration) time.Time { return began.Add(d.opts.duration * percent / 100) }
	chapters := []struct {
		title string
		play  func(context.Context) error
	}{
		{"Three services publish. What the room has shown is acknowledged.", d.traffic(part(40))},
		{"A message is broken: it becomes a dead letter, and delays nothing.", d.broken},
		{"The connection breaks before the room can confirm what it has shown.", d.outage},
		{"Traffic goes on as before.", d.traffic(part(95))},
	}
	for _, c := range chapters {
		d.screen.chapter(c.title)
		if err := c.play(ctx); err != nil {
			return err
		}
	}
	return nil
}

// traffic publishes one notification after the other, one at least.
func (d *demo) traffic(until time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			if err := d.publishNext(); err != nil {
				return err
			}
			if err := d.pause(ctx); err != nil || !time.Now().Before(until) {
				return err
			}
		}
	}
}

// broken publishes what nobody can read, and something good behind it.
func (d *demo) broken(ctx context.Context) error {
	const half = `{"severity":"error","subject":"Backup fai`
	if err := d.publish("backup", half, []byte(half)); err != nil {
		return err
	}
	if err := d.pause(ctx); err != nil {
		return err
	}
	if err := d.publishNext(); err != nil {
		return err
	}
	return d.pause(ctx)
}

// outage breaks the worker's connection under a burst of notifications.
func (d *demo) outage(ctx context.Context) error {
	d.room.CutAfterPosts(cutAt)
	for range burst {
		if err := d.publishNext(); err != nil {
			return err
		}
	}
	if err := d.room.waitUntil(ctx, false); err != nil {
		return fmt.Errorf("wait for the break: %w", err)
	}
	d.room.sawLeave("has lost the connection")
	now, err := d.broker.progress(ctx)
	if err != nil {
		return err
	}
	d.screen.line(yellow, "ack", fmt.Sprintf("not yet: %d of %d wait in the broker", now.last-now.acked, now.last))
	if err := d.room.waitUntil(ctx, true); err != nil {
		return fmt.Errorf("wait for the worker to come back: %w", err)
	}
	d.room.sawReturn()
	return d.pause(ctx)
}

// pause waits until everything is acknowledged, so that the story keeps its
// order on a slow machine, and leaves time to read. Short demos have short pauses.
func (d *demo) pause(ctx context.Context) error {
	enough := time.After(min(d.opts.duration/14, longestGap))
	if err := d.settle(ctx); err != nil {
		return err
	}
	select {
	case <-enough:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
