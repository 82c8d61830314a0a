package kafka

import (
	"log/slog"
	"time"
)

// SpanLimit bounds the messages that are pending or not yet committed.
const SpanLimit = spanLimit

// OpenPolling is Open with another pause between looks at the partition counts.
func OpenPolling(cfg Config, log *slog.Logger, poll time.Duration) (*Source, error) {
	return open(cfg, log, poll)
}

// Crash cuts the source off from the cluster as the death of the process would:
// nothing more is committed, and the group is not left.
func (s *Source) Crash() {
	s.client.Network.Close()
	s.kill()
	s.stop()
	<-s.done
}

// CutConnections resets the connections to the group's coordinator and to the
// brokers' metadata; new ones are possible.
func (s *Source) CutConnections() { s.client.Network.Reset() }
