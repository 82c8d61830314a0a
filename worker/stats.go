package worker

import (
	"log/slog"
	"sync/atomic"
)

// stats counts what became of the deliveries of all sources.
type stats struct {
	received, filtered, delivered, suppressed, rejected, released atomic.Int64
}

// attrs are the counts for the log.
func (s *stats) attrs() []any {
	return []any{
		slog.Int64("received", s.received.Load()), slog.Int64("filtered", s.filtered.Load()), slog.Int64("delivered", s.delivered.Load()),
		slog.Int64("suppressed", s.suppressed.Load()), slog.Int64("rejected", s.rejected.Load()),
		slog.Int64("released", s.released.Load()),
	}
}
