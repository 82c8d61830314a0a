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

// gathering is what one source has for the next digests. Its source loop alone uses
// it, but for the size.
type gathering struct {
	every time.Duration
	size  *atomic.Int64 // messages gathered, with those of others, for those who watch

	deliveries [][]member // the posts of each
	members    int
	due        time.Time // when the digest is to be sent
	next       time.Time // when the next one that is not full may be
}

// member is a post that is shown together with others.
type member struct {
	pending   *pendingDelivery
	identity  string
	parts     []int
	summaries []envelope.Summary // one of each part
	expired   bool
}

// settle takes what the room has decided.
func (m *member) settle(r sink.Result) {
	shown := Delivered
	if m.expired {
		shown = Expired
	}
	m.pending.settle(m.parts, r, shown)
}

// add gathers all posts of a delivery.
func (g *gathering) add(now time.Time, members []member) {
	if g.members == 0 {
		if g.due = g.next; !g.due.After(now) {
			g.due = now.Add(g.every)
		}
	}
	g.keep(append(g.deliveries, members))
	g.members += len(members)
}

// isDue reports whether a digest of at most so many is to be sent.
func (g *gathering) isDue(now time.Time, most int) bool {
	return g.members > 0 && (g.members >= most || !now.Before(g.due))
}

// take takes out as many deliveries as fit into a digest of at most so many, at least one.
func (g *gathering) take(now time.Time, most int) (members []member) {
	n := 0
	for ; n < len(g.deliveries) && (n == 0 || len(members)+len(g.deliveries[n]) <= most); n++ {
		members = append(members, g.deliveries[n]...)
	}
	if n == 0 {
		return nil
	}
	if g.next = g.due; !g.next.After(now) {
		g.next = now.Add(g.every)
	}
	g.due = g.next
	g.keep(slices.Clone(g.deliveries[n:]))
	g.members -= len(members)
	return members
}

// takeLost takes out the deliveries that belong to somebody else now, who waits for
// them.
func (g *gathering) takeLost() (lost []member) {
	g.keep(slices.DeleteFunc(g.deliveries, func(posts []member) bool {
		gone := isLost(posts[0].pending.delivery)
		if gone {
			lost = append(lost, posts...)
		}
		return gone
	}))
	g.members -= len(lost)
	return lost
}

func (g *gathering) keep(deliveries [][]member) {
	g.size.Add(int64(len(deliveries) - len(g.deliveries)))
	g.deliveries = deliveries
}

// concerns reports whether something gathered is about the same thing as one of these:
// the same alert of the same host, what one of them follows, or the end of anything there.
func (g *gathering) concerns(list []envelope.Summary) bool {
	for _, posts := range g.deliveries {
		for i := range posts {
			for j := range posts[i].summaries {
				if isAbout(&posts[i].summaries[j], list) {
					return true
				}
			}
		}
	}
	return false
}

func isAbout(s *envelope.Summary, list []envelope.Summary) bool {
	return slices.ContainsFunc(list, func(other envelope.Summary) bool {
		ends := s.State == envelope.Resolved && s.Host != ""
		return s.Host == other.Host && (ends || s.Name == other.Name)
	})
}

// until returns a context that ends when a digest is to be sent, or when a member of one is
// lost; and what frees it. If something holds digests up, none is sent before that is over.
func until(ctx context.Context, held <-chan struct{}, gatherings ...*gathering) (context.Context, func()) {
	due, signals := awaited(gatherings)
	var cancel context.CancelFunc
	switch {
	case due.IsZero():
		return ctx, func() {}
	case held != nil:
		signals = append(signals, held)
		ctx, cancel = context.WithCancel(ctx)
	default:
		ctx, cancel = context.WithDeadline(ctx, due)
	}
	var watchers sync.WaitGroup
	for _, signal := range signals {
		watchers.Go(func() {
			select {
			case <-signal:
				cancel()
			case <-ctx.Done():
			}
		})
	}
	return ctx, func() { cancel(); watchers.Wait() }
}

// awaited is when the first digest is due, zero if nothing is gathered, and what is
// closed when a member is lost.
func awaited(gatherings []*gathering) (due time.Time, losses []<-chan struct{}) {
	for _, g := range gatherings {
		for _, posts := range g.deliveries {
			// A source loses much at once: they are few.
			if lost := posts[0].pending.delivery.Lost(); lost != nil && !slices.Contains(losses, lost) {
				losses = append(losses, lost)
			}
		}
		if g.members > 0 {
			due = sooner(due, g.due)
		}
	}
	return due, losses
}

// drop gives back members that are not sent.
func drop(members []member) {
	for _, m := range members {
		m.pending.done(1, sink.Result{Outcome: sink.Dropped})
	}
}
