package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// sourceLoop carries the deliveries of one source. One goroutine receives and
// submits, in order; acknowledgements happen where the room reports outcomes,
// because they do not block; a second goroutine writes dead letters, because
// that does.
type sourceLoop struct {
	worker  *Worker
	source  sources.Source
	log     *slog.Logger
	unacked *unackedShare

	pending     *pending
	digest      *gathering          // what is shown together
	expired     *gathering          // what is only counted
	lag         int64               // messages that waited in the broker after the last batch
	deadLetters chan *deadLetterJob // never blocks: it has room for all that is pending

	// Log lines about single messages.
	deadLettered, deadLetterFailures, ackFailures logLimiter
}

func (w *Worker) newSourceLoop(source sources.Source) *sourceLoop {
	name := source.String()
	gathering := func() *gathering { return &gathering{every: w.Digests.Every, size: w.state.gathered[name]} }
	pending := w.state.pending[name]
	return &sourceLoop{
		worker: w, source: source, log: w.Log.With("source", name), unacked: w.state.unacked.shares[name],
		pending: pending, deadLetters: make(chan *deadLetterJob, pending.most()),
		digest: gathering(), expired: gathering(),
	}
}

// run works until ctx ends, and then up to the grace period longer.
func (l *sourceLoop) run(ctx context.Context) {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var writer sync.WaitGroup
	writer.Go(func() { l.writeDeadLetters(writing) })
	l.receiveAll(ctx)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.worker.Grace)
	defer cancel()
	l.flushAll(grace, l.expired)
	l.flushAll(grace, l.digest)
	l.awaitPending(grace)
	stop()
	writer.Wait()
}

// receiveAll moves deliveries from the source to the room until ctx ends.
func (l *sourceLoop) receiveAll(ctx context.Context) {
	defer l.source.Stop()
	retry := newRetry(l.log)
	for {
		l.dropLost()
		l.flushDue(ctx)
		turn, end := l.turn(ctx)
		err := l.receive(ctx, turn)
		over := turn.Err() != nil
		end()
		switch {
		case ctx.Err() != nil, errors.Is(err, sink.ErrClosed):
			return
		case err != nil && over: // a digest is due
		case err != nil:
			l.tell(Event{Kind: Failing, Doing: Receiving, Err: err})
			retry.wait(ctx, err)
		case retry.succeeded():
			l.tell(Event{Kind: Recovered, Doing: Receiving})
		}
	}
}

// receive submits one batch, if there is one before the turn ends.
func (l *sourceLoop) receive(ctx, turn context.Context) error {
	if err := l.worker.Room.Joined(turn); err != nil {
		return err
	}
	limit, err := l.pending.await(turn)
	if err != nil {
		return err
	}
	batch, err := l.source.Receive(turn, limit)
	for _, delivery := range batch {
		l.pending.add(delivery)
	}
	l.lag = lagOf(l.source)
	for _, delivery := range batch {
		l.submit(ctx, delivery)
	}
	return err
}

// submit sends all notifications of a delivery that people want to see.
func (l *sourceLoop) submit(ctx context.Context, delivery *sources.Delivery) {
	l.tell(Event{Kind: Received, Delivery: delivery})
	if ctx.Err() != nil { // after one is released, none behind it is sent
		l.release(delivery)
		return
	}
	delivery.Trust(l.worker.Signer)
	if err := l.pending.tooLarge(delivery); err != nil {
		l.reject(delivery, sources.Reason{Code: sources.ReasonTooLarge, Err: err})
		return
	}
	delivery.Decode(l.worker.decoder())
	if delivery.Malformed != nil {
		l.reject(delivery, sources.Reason{Code: sources.ReasonDecode, Err: delivery.Malformed})
		return
	}
	parts, expiredParts := l.choose(delivery)
	posts, expiredPosts := l.posts(delivery, parts), l.posts(delivery, expiredParts)
	delivery.Trim()
	p := newPendingDelivery(l, delivery, len(posts)+len(expiredPosts))
	expired := p.members(expiredPosts, true)
	switch {
	case p.posts == 0:
		p.ack()
	case isLost(delivery):
		l.release(delivery)
	case len(posts) == 0 && l.digest.members == 0:
		l.gather(ctx, l.expired, p, expired)
	case len(posts) == 0, l.isGathered(posts, len(expired)):
		l.gather(ctx, l.digest, p, append(p.members(posts, false), expired...))
	default:
		l.send(ctx, p, posts, expired)
	}
}

// send sends each post in a message of its own, behind what is gathered, if it does not
// overtake that; and one line for what has expired. They do overtake what had expired before,
// as long as that has a slot left: Kafka cannot commit them before that.
func (l *sourceLoop) send(ctx context.Context, p *pendingDelivery, posts []post, expired []member) {
	line := min(1, len(expired))
	overtakes := l.overtakes(p.delivery, posts, line)
	if !overtakes {
		l.flushAll(ctx, l.digest)
	}
	posts = l.worker.Corrections.withLines(posts)
	p.posts = len(posts) + line
	p.left = p.posts
	if l.expired.members > 0 && !l.unacked.mayOvertake(p.posts) {
		l.flushAll(ctx, l.expired)
	}
	if ctx.Err() != nil || !l.unacked.acquire(ctx, p.delivery.Lost(), p.posts) {
		l.release(p.delivery)
		return
	}
	p.slots = l.unacked
	if overtakes || l.expired.members > 0 {
		p.slots = l.unacked.overtake(p.posts)
	}
	p.submit(ctx, posts)
	if line > 0 {
		p.countExpired(ctx, expired)
	}
}

// post is what becomes one message in the room.
type post struct {
	identity string
	envelope envelope.Envelope
	parts    []int // which notifications of the delivery it shows
	// corrects is the identity of what it corrects, accompanies that of the correction
	// beside which it is a line. Empty: none.
	corrects, accompanies string
}

// posts makes one post of each of these notifications of a delivery, or one of
// all if they are many.
func (l *sourceLoop) posts(delivery *sources.Delivery, parts []int) []post {
	if least := l.worker.Posts.GroupAbove; least > 0 && len(parts) >= max(least, 2) {
		return []post{{identity: delivery.GroupIdentity(parts), envelope: group(delivery.Envelopes, parts), parts: parts}}
	}
	posts := make([]post, len(parts))
	for i, part := range parts {
		posts[i] = post{
			identity: delivery.PartIdentity(part), envelope: delivery.Envelopes[part], parts: parts[i : i+1],
			corrects: l.worker.Corrections.corrected(delivery, part),
		}
	}
	return posts
}

// group makes one notification of these of a message.
func group(all []envelope.Envelope, parts []int) envelope.Envelope {
	list := make([]envelope.Envelope, len(parts))
	for i, part := range parts {
		list[i] = all[part]
	}
	return envelope.Group(list)
}

// release returns a delivery to the broker, for this or another worker.
func (l *sourceLoop) release(delivery *sources.Delivery) {
	l.tell(Event{Kind: Released, Delivery: delivery})
	if err := delivery.Release(0); err != nil {
		l.log.Debug("release failed, the broker redelivers after the ack wait", "place", delivery.Place(), "error", err)
	}
	l.pending.remove(delivery)
}

// awaitPending waits until everything pending is settled, or the grace period
// is over.
func (l *sourceLoop) awaitPending(grace context.Context) {
	if !l.pending.awaitNone(grace) {
		l.log.Warn("shutdown grace period exceeded, releasing unacknowledged messages", "setting", "SHUTDOWN_GRACE")
	}
}

// tell tells the observer about the source.
func (l *sourceLoop) tell(e Event) {
	e.Source = l.source.String()
	l.worker.state.totals.count(&e)
	l.worker.Observe.tell(e)
}
