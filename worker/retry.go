package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
)

// newBackoff gives the pauses between attempts at a broker.
func newBackoff() backoff.Backoff {
	return backoff.Backoff{Min: 100 * time.Millisecond, Max: 10 * time.Second}
}

// retry pauses between attempts to receive. It logs an error when it is new, and
// when there is none any more.
type retry struct {
	log    *slog.Logger
	last   string // the error that was logged; "" after a success
	pauses backoff.Backoff
}

func newRetry(log *slog.Logger) *retry { return &retry{log: log, pauses: newBackoff()} }

// wait pauses after err, or until ctx ends.
func (r *retry) wait(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return
	}
	if text := err.Error(); text != r.last {
		r.log.Warn("receive failed, retrying", "error", err)
		r.last = text
	}
	backoff.Wait(ctx, r.pauses.Next())
}

// succeeded notes a success, and reports whether it follows a failure.
func (r *retry) succeeded() bool {
	failed := r.last != ""
	if failed {
		r.log.Info("receiving again")
	}
	r.last = ""
	r.pauses.Reset()
	return failed
}
