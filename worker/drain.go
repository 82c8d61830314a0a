package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// drain carries the deliveries of one source. One goroutine receives and
// submits, in order; acknowledgements happen in the room's own loop, because
// they do not block; a second goroutine rejects, because dead letters do.
type drain struct {
	*Worker
	source  sources.Source
	name    string
	log     *slog.Logger
	held    chan struct{} // one element per delivery that is not settled
	rejects chan *rejection

	// Lines about dead letters, those that cannot be written, and failed
	// acknowledgements.
	letters, stuck, deaf seldom
}

func (w *Worker) newDrain(source sources.Source) *drain {
	// Twice the window: one on its way to the room, one ready to follow.
	held := 2 * w.Window
	return &drain{
		Worker: w, source: source, name: source.String(),
		log:     w.Log.With("source", source.String()),
		held:    make(chan struct{}, held),
		rejects: make(chan *rejection, held), // never blocks: it holds all that is held
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
	defer d.source.Stop()
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
			d.tell(Event{Kind: Troubled, Doing: Receiving, Err: err})
			trouble.wait(ctx, d.log, err)
		default:
			d.recovered(&trouble)
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

// submit sends one delivery on its way: all of its notifications that people
// want to see.
func (d *drain) submit(ctx context.Context, delivery *sources.Delivery) {
	d.stats.received.Add(1)
	d.tell(Event{Kind: Received, Delivery: delivery})
	if ctx.Err() != nil { // what one delivery was refused, none behind it gets
		d.release(delivery)
		return
	}
	if d.Decoder != nil {
		delivery.Decode(*d.Decoder)
	}
	if delivery.Malformed != nil {
		d.reject(delivery, sources.Reason{Code: sources.ReasonDecode, Err: delivery.Malformed})
		return
	}
	parts := d.choose(delivery)
	p := d.newParcel(delivery, len(parts))
	switch {
	case len(parts) == 0:
		p.ack()
	case !d.doubt.enter(ctx, delivery, len(parts)):
		d.release(delivery)
	default:
		p.submit(ctx, parts)
	}
}

// choose returns the notifications of a delivery that are shown.
func (d *drain) choose(delivery *sources.Delivery) []int {
	parts := make([]int, 0, len(delivery.Envelopes))
	for i := range delivery.Envelopes {
		if d.Filter != nil {
			if why := d.Filter(&delivery.Envelopes[i]); why != "" {
				d.stats.filtered.Add(1)
				d.tell(Event{Kind: Filtered, Delivery: delivery, Why: why})
				d.log.Debug("notification filtered", "place", delivery.Place(), "reason", why)
				continue
			}
		}
		parts = append(parts, i)
	}
	return parts
}

func (d *drain) release(delivery *sources.Delivery) {
	d.stats.released.Add(1)
	d.tell(Event{Kind: Released, Delivery: delivery})
	if err := delivery.Release(0); err != nil {
		d.log.Debug("release failed, the broker will notice by itself", "place", delivery.Place(), "error", err)
	}
	<-d.held
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

// recovered notes that notifications can be received again.
func (d *drain) recovered(t *trouble) {
	if t.last != "" {
		d.log.Info("broker trouble is over")
		d.tell(Event{Kind: Recovered, Doing: Receiving})
	}
	*t = trouble{}
}

// tell tells the observer about the source.
func (d *drain) tell(e Event) {
	e.Source = d.name
	d.Observe.tell(e)
}
