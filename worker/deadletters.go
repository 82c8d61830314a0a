package worker

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// deadLetterJob is a delivery that becomes a dead letter.
type deadLetterJob struct {
	delivery *sources.Delivery
	reason   sources.Reason
	settled  func() // frees the slots of the posts that the room has shown: they are unacknowledged until then
	pauses   backoff.Backoff
	due      time.Time // of the next attempt
}

func (l *sourceLoop) reject(delivery *sources.Delivery, reason sources.Reason) {
	l.rejectShown(delivery, reason, func() {})
}

// rejectShown rejects a delivery of which the room has shown some posts.
func (l *sourceLoop) rejectShown(delivery *sources.Delivery, reason sources.Reason, settled func()) {
	l.tell(Event{Kind: Failed, Delivery: delivery, Reason: reason})
	l.deadLetters <- &deadLetterJob{delivery: delivery, reason: reason, settled: settled, pauses: newBackoff()}
}

// releaseJob returns a delivery that did not become a dead letter.
func (l *sourceLoop) releaseJob(job *deadLetterJob) {
	job.settled()
	l.release(job.delivery)
}

// writeDeadLetters works until ctx ends. One that cannot be written is tried
// again for ever, because without it nothing is acknowledged; but it does not
// hold up the others: its target may be another, or it may be too large.
func (l *sourceLoop) writeDeadLetters(ctx context.Context) {
	var failed []*deadLetterJob
	for {
		job := l.nextDeadLetter(ctx, &failed)
		switch {
		case job == nil:
			for _, job := range failed {
				l.releaseJob(job)
			}
			return
		case isLost(job.delivery): // its next owner rejects it
			l.releaseJob(job)
		case !l.writeDeadLetter(ctx, job):
			failed = append(failed, job)
		case job.pauses.Pauses() > 0 && len(failed) == 0:
			l.log.Info("dead letters can be written again")
			l.tell(Event{Kind: Recovered, Doing: DeadLettering})
		}
	}
}

// nextDeadLetter returns a new job, or one of those that failed when it is due,
// and nil when ctx ends.
func (l *sourceLoop) nextDeadLetter(ctx context.Context, failed *[]*deadLetterJob) *deadLetterJob {
	var next *deadLetterJob
	var due <-chan time.Time
	if len(*failed) > 0 {
		next = slices.MinFunc(*failed, func(a, b *deadLetterJob) int { return a.due.Compare(b.due) })
		timer := time.NewTimer(time.Until(next.due))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case job := <-l.deadLetters:
		return job
	case <-due:
		*failed = slices.DeleteFunc(*failed, func(job *deadLetterJob) bool { return job == next })
		return next
	case <-ctx.Done():
		return nil
	}
}

// writeDeadLetter makes one attempt, and reports whether the dead letter is
// written.
func (l *sourceLoop) writeDeadLetter(ctx context.Context, job *deadLetterJob) bool {
	log := l.log.With("place", job.delivery.Place(), "reason", string(job.reason.Code))
	err := job.delivery.Reject(ctx, job.reason)
	if err == nil {
		l.tell(Event{Kind: DeadLettered, Delivery: job.delivery, Reason: job.reason})
		log.Log(ctx, l.deadLettered.level(slog.LevelWarn), "notification moved to the dead letters", "error", job.reason.Err)
		job.settled()
		l.pending.remove(job.delivery)
		return true
	}
	job.due = time.Now().Add(job.pauses.Next())
	if ctx.Err() == nil {
		l.tell(Event{Kind: Failing, Doing: DeadLettering, Delivery: job.delivery, Err: err})
		log.Log(ctx, l.deadLetterFailures.level(slog.LevelWarn), "dead letter cannot be written, retrying", "error", err)
	}
	return false
}

// isLost reports whether the broker has given the delivery to somebody else.
func isLost(delivery *sources.Delivery) bool {
	select {
	case <-delivery.Lost():
		return true
	default:
		return false
	}
}
