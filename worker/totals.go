package worker

import (
	"log/slog"
	"sync/atomic"
)

// totals count what became of the deliveries of all sources.
type totals struct {
	received, filtered, delivered, suppressed, deadLettered, released atomic.Int64
}

// attrs are the counts for the log.
func (t *totals) attrs() []any {
	return []any{
		slog.Int64("received", t.received.Load()), slog.Int64("filtered", t.filtered.Load()), slog.Int64("delivered", t.delivered.Load()),
		slog.Int64("suppressed", t.suppressed.Load()), slog.Int64("dead_lettered", t.deadLettered.Load()),
		slog.Int64("released", t.released.Load()),
	}
}
