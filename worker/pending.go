package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// pending bounds the deliveries of one source that are received and not settled,
// in number and in bytes.
type pending struct {
	maxMessages int
	maxBytes    int        // 0: no bound
	yielded     func() int // how many the room does not show and does not wait for any more

	mu       sync.Mutex
	messages map[*sources.Delivery]bool
	bytes    int
	freed    freed
}

func newPending(maxMessages, maxBytes int, yielded func() int, list []sources.Source) map[string]*pending {
	bySource := map[string]*pending{}
	for _, s := range list {
		bySource[s.String()] = &pending{
			maxMessages: maxMessages, maxBytes: maxBytes, yielded: yielded, messages: map[*sources.Delivery]bool{},
		}
	}
	return bySource
}

// most is how many there may ever be, see isHeldUp.
func (p *pending) most() int { return 2 * p.maxMessages }

// tooLarge says why a delivery must not be decoded: it alone is larger than what
// may be pending.
func (p *pending) tooLarge(d *sources.Delivery) error {
	if size := d.Size(); p.maxBytes > 0 && size > p.maxBytes {
		return fmt.Errorf("the message has %d bytes, and the worker may hold %d: raise MEMORY_LIMIT, or publish less", size, p.maxBytes)
	}
	return nil
}

// await waits until another delivery may be received, and returns what fits.
func (p *pending) await(ctx context.Context) (limit sources.Limit, err error) {
	await(ctx, nil, func(bool) (freed <-chan struct{}) {
		limit, freed = p.free()
		return freed
	})
	return limit, ctx.Err()
}

// free returns what may be received, or a channel that is closed when there may
// be more.
func (p *pending) free() (limit sources.Limit, freed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit = p.left(); limit.Messages <= 0 && p.isHeldUp() {
		limit.Messages = 1
	}
	if p.fits(limit) {
		return limit, nil
	}
	return limit, p.freed.wait()
}

// left is how much more there may be. mu is held.
func (p *pending) left() sources.Limit {
	limit := sources.Limit{Messages: p.maxMessages - len(p.messages)}
	if p.maxBytes > 0 {
		limit.Bytes = p.maxBytes - p.bytes
	}
	return limit
}

// fits reports whether a message fits into what is left.
func (p *pending) fits(left sources.Limit) bool {
	return left.Messages > 0 && (p.maxBytes == 0 || left.Bytes > 0)
}

// isHeldUp reports whether all that is pending is what the room does not show, as copies of
// one notification. Then one more is received, which may be the proof that the room is well:
// without that nothing is given up. mu is held.
func (p *pending) isHeldUp() bool {
	return p.yielded() >= len(p.messages) && len(p.messages) < p.most()
}

// isFullOf reports whether nothing more may be received, and so many are all that is
// pending.
func (p *pending) isFullOf(messages int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.fits(p.left()) && len(p.messages) == messages
}

// add counts a delivery that was received.
func (p *pending) add(d *sources.Delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages[d] = true
	p.bytes += d.Size()
}

// remove counts a delivery that is settled.
func (p *pending) remove(d *sources.Delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.messages, d)
	p.bytes -= d.Size()
	p.freed.tell()
}

// awaitNone waits until everything is settled, and reports false if ctx ends before.
func (p *pending) awaitNone(ctx context.Context) bool {
	return await(ctx, nil, func(bool) <-chan struct{} {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.messages) == 0 {
			return nil
		}
		return p.freed.wait()
	})
}

// size returns how much is pending.
func (p *pending) size() (messages, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.messages), p.bytes
}

// oldest returns when the broker got the oldest of them, zero if that is not known.
func (p *pending) oldest() (oldest time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for d := range p.messages {
		oldest = sooner(oldest, d.Time)
	}
	return oldest
}

// sooner is the earlier of two times, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
