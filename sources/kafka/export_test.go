package kafka

import (
	"context"
	"log/slog"
	"time"
)

// SpanLimit bounds the messages that are lent out or not yet committed.
const SpanLimit = spanLimit

// FindLeader connects to the leader of the topic's first partition.
func FindLeader(ctx context.Context, cfg Config, topic string) error {
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	defer c.close()
	conn, err := c.dialLeader(ctx, c.network, topic, 0)
	if err != nil {
		return err
	}
	return conn.Close()
}

// OpenPolling is Open with another pause between looks at the partition counts.
func OpenPolling(cfg Config, log *slog.Logger, poll time.Duration) (*Source, error) {
	return open(cfg, log, poll)
}

// Crash cuts the source off from the cluster as the death of the process would:
// nothing more is committed, and the group is not left.
func (s *Source) Crash() {
	s.client.network.sever()
	s.kill()
	s.stop()
	<-s.done
}

// CutConnections resets the connections to the group's coordinator and to the
// brokers' metadata; new ones are possible.
func (s *Source) CutConnections() {
	n := s.client.network
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.links {
		_ = l.Conn.Close()
	}
}
