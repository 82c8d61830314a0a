package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// drain carries the deliveries of one source. One goroutine receives and
// submits, in order; acknowledgements happen in the room's own loop, because
// they do not block; a second goroutine rejects, because dead letters do.
type drain struct {
	*Worker
	source  sources.Source
	log     *slog.Logger
	held    chan struct{} // one element per delivery that is not settled
	rejects chan rejection
}

type rejection struct {
	delivery *sources.Delivery
	reason   sources.Reason
}

func (w *Worker) newDrain(source sources.Source) *drain {
	// Twice the window: one on its way to the room, one ready to follow.
	held := 2 * w.Window
	return &drain{
		Worker: w, source: source,
		log:     w.Log.With("source", source.String()),
		held:    make(chan struct{}, held),
		rejects: make(chan rejection, held), // never blocks: it holds all that is held
	}
}

// run works until ctx ends, and then up to the grace period longer.
func (d *drain) run(ctx context.Context) {
	late, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var rejecter sync.WaitGroup
	rejecter.Go(func() { d.rejectAll(late) })
	d.receive(ctx)
	d.settleHeld()
	end()
	rejecter.Wait()
}

// receive moves deliveries from the source to the room until ctx ends.
func (d *drain) receive(ctx context.Context) {
	var trouble trouble
	for {
		if d.Room.Joined(ctx) != nil || !d.hold(ctx) {
			return
		}
		batch, err := d.source.Receive(ctx, 1+cap(d.held)-len(d.held))
		if len(batch) == 0 {
			<-d.held
		}
		for i, delivery := range batch {
			if i > 0 {
				d.held <- struct{}{} // free: only we take places
			}
			d.submit(ctx, delivery)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			trouble.wait(ctx, d.log, err)
		default:
			trouble.over(d.log)
		}
	}
}

// hold takes a place for the next delivery, which bounds what a source lends.
func (d *drain) hold(ctx context.Context) bool {
	select {
	case d.held <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// submit sends one delivery on its way.
func (d *drain) submit(ctx context.Context, delivery *sources.Delivery) {
	d.stats.received.Add(1)
	if delivery.Malformed != nil {
		d.reject(delivery, sources.Reason{Code: sources.ReasonDecode, Err: delivery.Malformed})
		return
	}
	if !d.enterDoubt(ctx, delivery) {
		d.release(delivery)
		return
	}
	err := d.Room.Submit(ctx, sink.Message{
		Identity: delivery.Identity(),
		Body:     d.Render(delivery.Envelope),
		Lost:     delivery.Lost(),
		Done:     func(r sink.Result) { d.settle(delivery, r) },
	})
	if err != nil {
		d.leaveDoubt()
		d.release(delivery)
	}
}

// enterDoubt waits until one more notification may be in doubt.
func (d *drain) enterDoubt(ctx context.Context, delivery *sources.Delivery) bool {
	select {
	case d.doubt <- struct{}{}:
		return true
	case <-delivery.Lost():
		return false
	case <-ctx.Done():
		return false
	}
}

func (d *drain) leaveDoubt() { <-d.doubt }

// settle does for the broker what the room has decided.
func (d *drain) settle(delivery *sources.Delivery, r sink.Result) {
	switch r.Outcome {
	case sink.Delivered:
		d.stats.delivered.Add(1)
		d.ack(delivery)
	case sink.Suppressed:
		d.stats.suppressed.Add(1)
		d.ack(delivery)
	case sink.Rejected:
		d.leaveDoubt()
		d.reject(delivery, sources.Reason{Code: sources.ReasonRejected, Err: r.Err})
	case sink.Dropped:
		d.leaveDoubt()
		d.release(delivery)
	}
}

// ack tells the broker. If it does not hear, it will deliver again, and the
// ledger of the room will recognise the notification.
func (d *drain) ack(delivery *sources.Delivery) {
	if err := delivery.Ack(d.leaveDoubt); err != nil {
		d.leaveDoubt()
		d.log.Warn("acknowledgement failed, the broker will deliver again", "place", delivery.Place(), "error", err)
	}
	<-d.held
}

func (d *drain) release(delivery *sources.Delivery) {
	d.stats.released.Add(1)
	if err := delivery.Release(0); err != nil {
		d.log.Debug("release failed, the broker will notice by itself", "place", delivery.Place(), "error", err)
	}
	<-d.held
}

func (d *drain) reject(delivery *sources.Delivery, reason sources.Reason) {
	d.rejects <- rejection{delivery, reason}
}

// rejectAll writes dead letters until ctx ends. While their target is
// unavailable it keeps trying: without a dead letter nothing is acknowledged.
func (d *drain) rejectAll(ctx context.Context) {
	for {
		select {
		case r := <-d.rejects:
			d.rejectOne(ctx, r)
		case <-ctx.Done():
			return
		}
	}
}

func (d *drain) rejectOne(ctx context.Context, r rejection) {
	log := d.log.With("place", r.delivery.Place(), "reason", string(r.reason.Code))
	var trouble trouble
	for {
		err := r.delivery.Reject(ctx, r.reason)
		switch {
		case err == nil:
			d.stats.rejected.Add(1)
			log.Warn("notification moved to the dead letters", "error", r.reason.Err)
			<-d.held
			return
		case ctx.Err() != nil:
			d.release(r.delivery)
			return
		default:
			trouble.wait(ctx, log, err)
		}
	}
}

// settleHeld waits until everything held is settled, or the grace period is
// over.
func (d *drain) settleHeld() {
	over := time.NewTimer(d.Grace)
	defer over.Stop()
	for range cap(d.held) {
		select {
		case d.held <- struct{}{}:
		case <-over.C:
			d.log.Warn("grace period is over, giving back what is not settled", "setting", "SHUTDOWN_GRACE")
			return
		}
	}
}

// trouble spares the log the repetition of an error.
type trouble struct {
	last string
	backoff
}

// wait logs err if it is news, and pauses.
func (t *trouble) wait(ctx context.Context, log *slog.Logger, err error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return
	}
	if text := err.Error(); text != t.last {
		log.Warn("broker trouble, trying again", "error", err)
		t.last = text
	}
	select {
	case <-time.After(t.next()):
	case <-ctx.Done():
	}
}

// over notes that all is well again.
func (t *trouble) over(log *slog.Logger) {
	if t.last != "" {
		log.Info("broker trouble is over")
	}
	*t = trouble{}
}
