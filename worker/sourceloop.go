package worker

import (
	"context"
	"log/slog"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
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
	deadLetters chan *deadLetterJob // never blocks: it has room for all that is pending

	// Log lines about single messages.
	deadLettered, deadLetterFailures, ackFailures logLimiter
}

func (w *Worker) newSourceLoop(source sources.Source) *sourceLoop {
	return &sourceLoop{
		worker: w, source: source, log: w.Log.With("source", source.String()), unacked: w.state.unacked.shares[source.String()],
		pending: w.state.pending[source.String()], deadLetters: make(chan *deadLetterJob, w.MaxPending()),
	}
}

// run works until ctx ends, and then up to the grace period longer.
func (l *sourceLoop) run(ctx context.Context) {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var writer sync.WaitGroup
	writer.Go(func() { l.writeDeadLetters(writing) })
	l.receiveAll(ctx)
	l.awaitPending()
	stop()
	writer.Wait()
}

// receiveAll moves deliveries from the source to the room until ctx ends.
func (l *sourceLoop) receiveAll(ctx context.Context) {
	defer l.source.Stop()
	retry := newRetry(l.log)
	for l.worker.Room.Joined(ctx) == nil {
		limit, err := l.pending.await(ctx)
		if err != nil {
			return
		}
		err = l.receive(ctx, limit)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.tell(Event{Kind: Failing, Doing: Receiving, Err: err})
			retry.wait(ctx, err)
		case retry.succeeded():
			l.tell(Event{Kind: Recovered, Doing: Receiving})
		}
	}
}

// receive submits one batch.
func (l *sourceLoop) receive(ctx context.Context, limit sources.Limit) error {
	batch, err := l.source.Receive(ctx, limit)
	for _, delivery := range batch {
		l.pending.add(delivery)
	}
	for _, delivery := range batch {
		l.submit(ctx, delivery)
	}
	return err
}

// submit sends all notifications of a delivery that people want to see.
func (l *sourceLoop) submit(ctx context.Context, delivery *sources.Delivery) {
	l.worker.state.totals.received.Add(1)
	l.tell(Event{Kind: Received, Delivery: delivery})
	if ctx.Err() != nil { // after one is released, none behind it is sent
		l.release(delivery)
		return
	}
	delivery.Trust(l.worker.Seal)
	if err := l.pending.tooLarge(delivery); err != nil {
		l.reject(delivery, sources.Reason{Code: sources.ReasonTooLarge, Err: err})
		return
	}
	delivery.Decode(l.worker.decoder())
	if delivery.Malformed != nil {
		l.reject(delivery, sources.Reason{Code: sources.ReasonDecode, Err: delivery.Malformed})
		return
	}
	posts := l.posts(delivery, l.choose(delivery))
	delivery.Trim()
	p := newPendingDelivery(l, delivery, len(posts))
	switch {
	case len(posts) == 0:
		p.ack()
	case isLost(delivery), !l.unacked.acquire(ctx, delivery.Lost(), len(posts)):
		l.release(delivery)
	default:
		p.submit(ctx, posts)
	}
}

// post is what becomes one message in the room.
type post struct {
	identity string
	envelope envelope.Envelope
	parts    []int // which notifications of the delivery it shows
}

// posts makes one post of each of these notifications of a delivery, or one of
// all if they are many.
func (l *sourceLoop) posts(delivery *sources.Delivery, parts []int) []post {
	if least := l.worker.GroupAbove; least > 0 && len(parts) >= max(least, 2) {
		return []post{group(delivery, parts)}
	}
	posts := make([]post, len(parts))
	for i, part := range parts {
		posts[i] = post{delivery.PartIdentity(part), delivery.Envelopes[part], parts[i : i+1]}
	}
	return posts
}

func group(delivery *sources.Delivery, parts []int) post {
	list := make([]envelope.Envelope, len(parts))
	for i, part := range parts {
		list[i] = delivery.Envelopes[part]
	}
	return post{delivery.GroupIdentity(parts), envelope.Group(list), parts}
}

// choose returns the notifications of a delivery that are shown.
func (l *sourceLoop) choose(delivery *sources.Delivery) []int {
	parts := make([]int, 0, len(delivery.Envelopes))
	for i := range delivery.Envelopes {
		if l.worker.Filter != nil {
			if why := l.worker.Filter(&delivery.Envelopes[i]); why != "" {
				l.worker.state.totals.filtered.Add(1)
				l.tell(Event{Kind: Filtered, Delivery: delivery, Parts: []int{i}, Why: why})
				l.log.Debug("notification filtered", "place", delivery.Place(), "reason", why)
				continue
			}
		}
		parts = append(parts, i)
	}
	return parts
}

// release returns a delivery to the broker, for this or another worker.
func (l *sourceLoop) release(delivery *sources.Delivery) {
	l.worker.state.totals.released.Add(1)
	l.tell(Event{Kind: Released, Delivery: delivery})
	if err := delivery.Release(0); err != nil {
		l.log.Debug("release failed, the broker redelivers after the ack wait", "place", delivery.Place(), "error", err)
	}
	l.pending.remove(delivery)
}

// awaitPending waits until everything pending is settled, or the grace period
// is over.
func (l *sourceLoop) awaitPending() {
	grace, cancel := context.WithTimeout(context.Background(), l.worker.Grace)
	defer cancel()
	if l.pending.awaitNone(grace) != nil {
		l.log.Warn("shutdown grace period exceeded, releasing unacknowledged messages", "setting", "SHUTDOWN_GRACE")
	}
}

// tell tells the observer about the source.
func (l *sourceLoop) tell(e Event) {
	e.Source = l.source.String()
	l.worker.Observe.tell(e)
}
