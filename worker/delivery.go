package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// pendingDelivery is a delivery whose posts are in flight. It is settled
// when the last of them is. If it is redelivered, those that the room has shown
// are suppressed.
type pendingDelivery struct {
	loop     *sourceLoop
	delivery *sources.Delivery
	posts    int
	slots    slots

	mu       sync.Mutex
	left     int // posts in flight
	shown    int // posts that the room has shown
	dropped  bool
	rejected error
}

func newPendingDelivery(l *sourceLoop, delivery *sources.Delivery, posts int) *pendingDelivery {
	return &pendingDelivery{loop: l, delivery: delivery, posts: posts, left: posts, slots: noSlots{}}
}

// slots are those that posts have among what is unacknowledged.
type slots interface {
	// show notes that the room has shown n of the posts, or had before we got them.
	show(n int)
	// release gives back the slots of n posts, of which the room has shown so many.
	release(n, shown int)
}

// noSlots are those of posts that are not sent.
type noSlots struct{}

func (noSlots) show(int)         {}
func (noSlots) release(int, int) {}

// submit sends the posts, in order.
func (p *pendingDelivery) submit(ctx context.Context, posts []post) {
	for sent := range posts {
		if p.loop.worker.Room.Submit(ctx, p.message(&posts[sent])) != nil {
			p.done(len(posts)-sent, sink.Result{Outcome: sink.Dropped})
			return
		}
	}
}

// message renders one post, and drops what it was made of.
func (p *pendingDelivery) message(post *post) sink.Message {
	m := sink.Message{Identity: post.identity, Corrects: post.corrects, Accompanies: post.accompanies, Lost: p.delivery.Lost(), Origin: p.delivery}
	if post.accompanies != "" { // it shows no notification: what it accompanies does
		m.Body = p.loop.worker.Corrections.Line(post.envelope)
		m.Done = func(r sink.Result) { p.done(1, r) }
	} else {
		parts := post.parts
		m.Body, m.Extra = p.loop.worker.Posts.text(post.envelope)
		m.Done = func(r sink.Result) { p.settle(parts, r, Delivered) }
	}
	post.envelope = envelope.Envelope{}
	return m
}

// settle takes what the room has decided on one post: shown says what it is if the
// room has shown it.
func (p *pendingDelivery) settle(parts []int, r sink.Result, shown EventKind) {
	p.tell(parts, r, shown)
	p.done(1, r)
}

// tell tells of a post that the room has shown.
func (p *pendingDelivery) tell(parts []int, r sink.Result, shown EventKind) {
	e := Event{Kind: shown, Delivery: p.delivery, Parts: parts, StanzaID: r.ID, Together: r.Together, Replaced: r.Replaced}
	if r.Together <= 1 {
		e.Took = r.Took
	}
	switch r.Outcome {
	case sink.Delivered:
		p.loop.worker.state.pace.shown(time.Now(), r.Took, r.Together > 1)
		p.loop.tell(e)
	case sink.Suppressed:
		e.Kind = Suppressed
		p.loop.tell(e)
	case sink.Rejected, sink.Dropped:
	}
}

// done counts down, and settles the delivery after its last notification.
func (p *pendingDelivery) done(n int, r sink.Result) {
	p.mu.Lock()
	switch r.Outcome {
	case sink.Delivered, sink.Suppressed:
		p.shown += n
		p.slots.show(n)
	case sink.Rejected:
		p.rejected = r.Err
	case sink.Dropped:
		p.dropped = true
	}
	p.left -= n
	last := p.left == 0
	p.mu.Unlock()
	if last {
		p.finish()
	}
}

// finish tells the broker what the room has decided on all notifications. What
// was not sent is released; what the room refuses makes a dead letter of the
// whole. Until that is written the broker redelivers all of it after a crash, so
// the room must still recall what it has shown.
func (p *pendingDelivery) finish() {
	switch {
	case p.dropped:
		p.slots.release(p.posts, p.shown)
		p.loop.release(p.delivery)
	case p.rejected != nil:
		p.slots.release(p.posts-p.shown, 0)
		reason := sources.Reason{Code: sources.ReasonRejected, Err: p.rejected}
		p.loop.rejectShown(p.delivery, reason, func() { p.slots.release(p.shown, p.shown) })
	default:
		p.ack()
	}
}

// ack acknowledges. If that fails, the broker redelivers, and the room's
// history shows that the notifications are there.
func (p *pendingDelivery) ack() {
	l := p.loop
	durable := func() { p.slots.release(p.posts, p.shown) }
	if err := p.delivery.Ack(durable); err != nil {
		durable()
		l.tell(Event{Kind: AckFailed, Delivery: p.delivery, Err: err})
		l.log.Log(context.Background(), l.ackFailures.level(slog.LevelWarn), "acknowledgement failed, the broker redelivers", "place", p.delivery.Place(), "error", err)
	} else {
		l.tell(Event{Kind: Acked, Delivery: p.delivery})
	}
	l.pending.remove(p.delivery)
}
