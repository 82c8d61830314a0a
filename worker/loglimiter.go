package worker

import (
	"log/slog"
	"sync"
	"time"
)

// logInterval is how often a line about a single message is logged at its usual
// level.
const logInterval = 10 * time.Second

// logLimiter keeps a flood of bad messages from becoming a flood of log lines:
// in each interval the first line has its usual level, and the others are at
// level debug. Metrics have the numbers.
type logLimiter struct {
	mu   sync.Mutex
	last time.Time
}

// level returns the level for the next line: usual, or debug.
func (l *logLimiter) level(usual slog.Level) slog.Level {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.last) >= logInterval {
		l.last = now
		return usual
	}
	return slog.LevelDebug
}
