package worker

import (
	"log/slog"
	"sync/atomic"
)

// totals count what became of the deliveries of all sources.
type totals struct {
	received, filtered, delivered, expired, suppressed, deadLettered, released atomic.Int64
}

// count counts an event.
func (t *totals) count(e *Event) {
	switch parts := int64(len(e.Parts)); e.Kind {
	case Received:
		t.received.Add(1)
	case Filtered:
		t.filtered.Add(parts)
	case Delivered:
		t.delivered.Add(parts)
	case Expired:
		t.expired.Add(parts)
	case Suppressed:
		t.suppressed.Add(parts)
	case DeadLettered:
		t.deadLettered.Add(1)
	case Released:
		t.released.Add(1)
	default:
	}
}

// attrs are the counts for the log.
func (t *totals) attrs() []any {
	return []any{
		slog.Int64("received", t.received.Load()), slog.Int64("filtered", t.filtered.Load()), slog.Int64("delivered", t.delivered.Load()),
		slog.Int64("expired", t.expired.Load()), slog.Int64("suppressed", t.suppressed.Load()),
		slog.Int64("dead_lettered", t.deadLettered.Load()), slog.Int64("released", t.released.Load()),
	}
}
