package worker

import (
	"context"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Digests say when and how several notifications are shown in one message.
type Digests struct {
	DigestConfig
	// Text is what people read of notifications that are shown together, ExpiredText of
	// those that came too late.
	Text, ExpiredText func([]envelope.Summary) string
}

// gate lets notifications pass one by one. Those of all sources share it. Nil: all pass.
type gate struct {
	singles, urgent *bucket
	severity        envelope.Severity
}

func newGate(c DigestConfig) *gate {
	r, _ := parseRate(c.After) // validated
	if r.count == 0 {
		return nil
	}
	severity, _ := envelope.ParseSeverity(c.Severity) // validated
	return &gate{singles: newBucket(r), urgent: newBucket(r), severity: severity}
}

// isUrgent reports whether one of the posts is so bad that it is not to wait.
func (g *gate) isUrgent(posts []post) bool {
	return slices.ContainsFunc(posts, func(p post) bool {
		return p.envelope.State != envelope.Resolved && p.envelope.Severity >= g.severity
	})
}

// isGathered decides whether the posts of a delivery are shown together with others:
// all of them or none.
func (l *sourceLoop) isGathered(posts []post) bool {
	g, now := l.worker.state.gate, time.Now()
	switch {
	case g == nil, len(posts) > l.worker.mostTogether():
		return false
	case g.isUrgent(posts) && g.urgent.take(now, len(posts)):
		return false
	case len(l.digest.members) > 0, l.behind: // the order is kept
		return true
	default:
		return !g.singles.take(now, len(posts))
	}
}

// isBehind reports whether what waits here and in the broker takes the room too long,
// one by one.
func (l *sourceLoop) isBehind() bool {
	waiting, _ := l.pending.size()
	return l.worker.state.pace.isTooSlow(int64(waiting) + lagOf(l.source))
}

// lagOf is how many messages wait in the broker, as far as the source knows.
func lagOf(source sources.Source) int64 {
	if r, ok := source.(sources.Reporter); ok {
		return max(0, r.Status().Lag)
	}
	return 0
}

// mostTogether is how many posts the room can show in one message, 0 for none.
func (w *Worker) mostTogether() int { return min(w.Digests.Max, w.Room.MaxMembers()) }

// gather keeps the posts of a delivery for the next digest, and sends it when it is
// full.
func (l *sourceLoop) gather(ctx context.Context, g *gathering, p *pendingDelivery, posts []post) {
	most := l.worker.mostTogether()
	if len(g.members)+len(posts) > most {
		l.seal(ctx, g)
	}
	if ctx.Err() != nil { // after one is released, none behind it is sent
		l.release(p.delivery)
		return
	}
	members := make([]member, len(posts))
	for i := range posts {
		members[i] = member{p, posts[i].identity, posts[i].parts, summarize(p.delivery, &posts[i].envelope)}
	}
	g.add(time.Now(), members)
	if len(g.members) >= most {
		l.seal(ctx, g)
	}
}

// summarize returns what a list tells of a post.
func summarize(d *sources.Delivery, e *envelope.Envelope) []envelope.Summary {
	all := e.Members
	if len(all) == 0 {
		all = []envelope.Envelope{*e}
	}
	list := make([]envelope.Summary, len(all))
	for i := range all {
		list[i] = all[i].Summarize()
		list[i].Log, list[i].Offset = d.Log(), d.Offset
		if list[i].Time.IsZero() {
			list[i].Time = d.Time
		}
	}
	return list
}

// sealDue sends what is due, and what must be sent because nothing more can be received
// before. What is lost goes back at once.
func (l *sourceLoop) sealDue(ctx context.Context) {
	full := l.pending.isFullOf(int(l.digest.size.Load()))
	for _, g := range []*gathering{l.digest, l.expired} {
		drop(g.takeLost())
		if full || g.isDue(time.Now()) {
			l.seal(ctx, g)
		}
	}
}

// seal sends what is gathered as one message, behind all that was sent before.
func (l *sourceLoop) seal(ctx context.Context, g *gathering) {
	members := g.take(time.Now())
	if len(members) == 0 {
		return
	}
	if !l.unacked.acquire(ctx, nil, 1) {
		drop(members)
		return
	}
	if d := newDigest(l, g.kind, members); l.worker.Room.Submit(ctx, d.message()) != nil {
		drop(members)
	}
}
