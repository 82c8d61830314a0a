package worker

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// gathering is what one source has for the next digest. Its source loop alone uses
// it, but for the size.
type gathering struct {
	kind  digestKind
	every time.Duration
	size  *atomic.Int64 // messages gathered, with those of others, for those who watch

	members []member
	count   int       // of their messages
	due     time.Time // when the digest is to be sent
	next    time.Time // when the next one that is not full may be
}

// member is a post that is shown together with others.
type member struct {
	pending   *pendingDelivery
	identity  string
	parts     []int
	summaries []envelope.Summary // one of each part
}

// add gathers all posts of a delivery.
func (g *gathering) add(now time.Time, members []member) {
	if len(g.members) == 0 {
		if g.due = g.next; !g.due.After(now) {
			g.due = now.Add(g.every)
		}
	}
	g.keep(append(g.members, members...))
}

// isDue reports whether the digest is to be sent.
func (g *gathering) isDue(now time.Time) bool {
	return len(g.members) > 0 && !now.Before(g.due)
}

// take takes out everything, for a digest.
func (g *gathering) take(now time.Time) []member {
	members := g.members
	if len(members) == 0 {
		return nil
	}
	if g.next = g.due; !g.next.After(now) {
		g.next = now.Add(g.every)
	}
	g.keep(nil)
	return members
}

// takeLost takes out the members that belong to somebody else now, who waits for
// them.
func (g *gathering) takeLost() []member {
	lost := func(m member) bool { return isLost(m.pending.delivery) }
	if !slices.ContainsFunc(g.members, lost) {
		return nil
	}
	var taken, kept []member
	for _, m := range g.members {
		if lost(m) {
			taken = append(taken, m)
		} else {
			kept = append(kept, m)
		}
	}
	g.keep(kept)
	return taken
}

func (g *gathering) keep(members []member) {
	g.members = members
	count := deliveries(members)
	g.size.Add(int64(count - g.count))
	g.count = count
}

// deliveries counts them: their members are in a row.
func deliveries(members []member) int {
	count := 0
	for i := range members {
		if i == 0 || members[i].pending != members[i-1].pending {
			count++
		}
	}
	return count
}

// until returns a context that ends when a digest is due or one of its members is
// lost, and what frees it.
func until(ctx context.Context, gatherings ...*gathering) (context.Context, func()) {
	var due time.Time
	var losses []<-chan struct{} // few: a source loses much at once
	for _, g := range gatherings {
		for _, m := range g.members {
			if lost := m.pending.delivery.Lost(); lost != nil && !slices.Contains(losses, lost) {
				losses = append(losses, lost)
			}
		}
		if len(g.members) > 0 && (due.IsZero() || g.due.Before(due)) {
			due = g.due
		}
	}
	if due.IsZero() {
		return ctx, func() {}
	}
	ctx, cancel := context.WithDeadline(ctx, due)
	var watchers sync.WaitGroup
	for _, lost := range losses {
		watchers.Go(func() {
			select {
			case <-lost:
				cancel()
			case <-ctx.Done():
			}
		})
	}
	return ctx, func() { cancel(); watchers.Wait() }
}

// drop gives back members that are not sent.
func drop(members []member) {
	for _, m := range members {
		m.pending.done(1, sink.Result{Outcome: sink.Dropped})
	}
}
