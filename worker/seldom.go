package worker

import (
	"log/slog"
	"sync"
	"time"
)

// logPause is how often a line about single messages may stand out.
const logPause = 10 * time.Second

// seldom keeps a flood of bad messages from becoming a flood of log lines:
// the first one in a while is logged as it should be, the others at level
// debug. Metrics have the numbers.
type seldom struct {
	mu   sync.Mutex
	last time.Time
}

// level returns the level for the next line: usual, or debug.
func (s *seldom) level(usual slog.Level) slog.Level {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.last) >= logPause {
		s.last = now
		return usual
	}
	return slog.LevelDebug
}
