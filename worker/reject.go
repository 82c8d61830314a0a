package worker

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// rejection is a delivery on its way to the dead letters.
type rejection struct {
	delivery *sources.Delivery
	reason   sources.Reason
	pauses   backoff
	due      time.Time // when to try again
}

func (d *drain) reject(delivery *sources.Delivery, reason sources.Reason) {
	d.tell(Event{Kind: Failed, Delivery: delivery, Reason: reason})
	d.rejects <- &rejection{delivery: delivery, reason: reason}
}

// rejectAll writes dead letters until ctx ends. One that cannot be written is
// tried again for ever, because without it nothing is acknowledged; but it does
// not hold up the others: its target may be another, or it may be too large.
func (d *drain) rejectAll(ctx context.Context) {
	var failed []*rejection
	for {
		r := d.nextRejection(ctx, &failed)
		switch {
		case r == nil:
			for _, r := range failed {
				d.release(r.delivery)
			}
			return
		case lost(r.delivery): // its next owner will reject it
			d.release(r.delivery)
		case !d.buried(ctx, r):
			failed = append(failed, r)
		case r.pauses.tries > 0 && len(failed) == 0:
			d.log.Info("dead letters can be written again")
			d.tell(Event{Kind: Recovered, Doing: DeadLettering})
		}
	}
}

// nextRejection returns a new rejection, or one of those that failed when it is
// due, and nil when ctx ends.
func (d *drain) nextRejection(ctx context.Context, failed *[]*rejection) *rejection {
	var due <-chan time.Time
	next := 0
	for i, r := range *failed {
		if r.due.Before((*failed)[next].due) {
			next = i
		}
	}
	if len(*failed) > 0 {
		timer := time.NewTimer(time.Until((*failed)[next].due))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case r := <-d.rejects:
		return r
	case <-due:
		r := (*failed)[next]
		*failed = slices.Delete(*failed, next, next+1)
		return r
	case <-ctx.Done():
		return nil
	}
}

// buried tries to write a dead letter, and reports whether that is done.
func (d *drain) buried(ctx context.Context, r *rejection) bool {
	log := d.log.With("place", r.delivery.Place(), "reason", string(r.reason.Code))
	err := r.delivery.Reject(ctx, r.reason)
	if err == nil {
		d.stats.rejected.Add(1)
		d.tell(Event{Kind: DeadLettered, Delivery: r.delivery, Reason: r.reason})
		log.Log(ctx, d.letters.level(slog.LevelWarn), "notification moved to the dead letters", "error", r.reason.Err)
		<-d.held
		return true
	}
	r.due = time.Now().Add(r.pauses.next())
	if ctx.Err() == nil {
		d.tell(Event{Kind: Troubled, Doing: DeadLettering, Delivery: r.delivery, Err: err})
		log.Log(ctx, d.stuck.level(slog.LevelWarn), "dead letter cannot be written, trying again", "error", err)
	}
	return false
}
