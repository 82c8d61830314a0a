package worker

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Digests say when and how several notifications are shown in one message.
type Digests struct {
	DigestConfig
	// Text is what people read of notifications that are shown together, ExpiredText of
	// those that have expired.
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
func (l *sourceLoop) isGathered(posts []post, expired int) bool {
	g, now := l.worker.state.gate, time.Now()
	switch {
	case g == nil, len(posts)+expired > l.worker.mostTogether():
		return false
	case g.isUrgent(posts) && g.urgent.take(now, len(posts)):
		return false
	case l.digest.members > 0, l.isBehind(): // the order is kept
		return true
	default:
		return !g.singles.take(now, len(posts))
	}
}

// isBehind reports whether what waits here and in the broker takes the room too long,
// one by one.
func (l *sourceLoop) isBehind() bool {
	waiting, _ := l.pending.size()
	return l.worker.state.pace.isTooSlow(int64(waiting) + l.lag)
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
func (l *sourceLoop) gather(ctx context.Context, g *gathering, p *pendingDelivery, members []member) {
	if ctx.Err() != nil { // after one is released, none behind it is sent
		l.release(p.delivery)
		return
	}
	g.add(time.Now(), members)
	if g.members >= l.digestSize() {
		l.flushDue(ctx)
	}
}

// members are posts that are shown together with others.
func (p *pendingDelivery) members(posts []post, expired bool) []member {
	list := make([]member, len(posts))
	for i := range posts {
		list[i] = member{p, posts[i].identity, posts[i].parts, summarize(p.delivery, &posts[i].envelope), expired}
	}
	return list
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

// overtakes reports whether the posts of a delivery are shown before what is gathered: they
// are urgent, and nothing gathered is about the same. Until that is shown, Kafka cannot commit
// what has overtaken it: a slot is left for the digest. lines of what has expired go with them.
func (l *sourceLoop) overtakes(d *sources.Delivery, posts []post, lines int) bool {
	if l.digest.members == 0 || !l.worker.state.gate.isUrgent(posts) || !l.unacked.mayOvertake(len(posts)+lines) {
		return false
	}
	for i := range posts {
		if l.digest.concerns(summarize(d, &posts[i].envelope)) {
			return false
		}
	}
	return true
}

// dropLost gives back at once what is gathered and lost.
func (l *sourceLoop) dropLost() {
	drop(l.digest.takeLost())
	drop(l.expired.takeLost())
}

// flushDue sends what is due, unless the room is to show another digest first.
func (l *sourceLoop) flushDue(ctx context.Context) {
	for g := l.due(); g != nil && l.worker.Room.HoldsDigests() == nil; g = l.due() {
		l.flush(ctx, g)
	}
}

// due is what is due, for the longest time if that is more; and what must be sent because
// nothing more can be received before. It is nil if that is nothing.
func (l *sourceLoop) due() (first *gathering) {
	full := l.pending.isFullOf(int(l.digest.size.Load()))
	now, most := time.Now(), l.digestSize()
	for _, g := range []*gathering{l.digest, l.expired} {
		if (g.isDue(now, most) || full && g.members > 0) && (first == nil || g.due.Before(first.due)) {
			first = g
		}
	}
	return first
}

// digestSize is how many members a digest has at most. A room that shows none has those
// taken apart that were gathered before that was known.
func (l *sourceLoop) digestSize() int {
	return cmp.Or(l.worker.mostTogether(), l.worker.Digests.Max)
}

// flushAll sends all that is gathered, behind all that was sent before.
func (l *sourceLoop) flushAll(ctx context.Context, g *gathering) {
	for g.members > 0 {
		l.flush(ctx, g)
	}
}

// flush sends as much of what is gathered as fits into one message, behind all that was
// sent before; before a digest, what had expired when it was begun. If ctx ends before, nothing
// behind it is sent, either.
func (l *sourceLoop) flush(ctx context.Context, g *gathering) {
	if g == l.digest {
		l.flushAll(ctx, l.expired)
	}
	members := g.take(time.Now(), l.digestSize())
	if l.unacked.acquire(ctx, nil, 1) {
		if d := newDigest(l, members); l.worker.Room.Submit(ctx, d.message((*member).settle)) == nil {
			return
		}
	}
	drop(members)
	drop(g.take(time.Now(), math.MaxInt))
}

// turn is how long may be waited for the next batch: until a digest is to be sent.
func (l *sourceLoop) turn(ctx context.Context) (context.Context, func()) {
	var held <-chan struct{}
	if l.digest.members+l.expired.members > 0 {
		held = l.worker.Room.HoldsDigests()
	}
	return until(ctx, held, l.digest, l.expired)
}
