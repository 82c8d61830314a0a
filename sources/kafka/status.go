package kafka

import (
	"context"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

var _ sources.Reporter = (*Source)(nil)

// Status tells how the source is, without asking the brokers. It stays bound
// while the group shares the partitions out anew.
func (s *Source) Status() sources.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := sources.Status{Bound: s.joined, Lag: s.lag()}
	if !s.joined && s.problem != nil {
		status.Problem = strings.Join(strings.Fields(s.problem.Error()), " ")
	}
	return status
}

// lag adds up what waits in our partitions; -1 if one does not know yet, or
// nobody knows which are ours.
func (s *Source) lag() int64 {
	if s.partitions == nil {
		return -1
	}
	sum := int64(0)
	for _, p := range s.partitions {
		end, next := p.end.Load(), p.next.Load()
		if end < 0 {
			return -1
		}
		if next >= 0 { // else nothing has been read: it is empty, or will be soon
			sum += max(end-next, 0)
		}
	}
	return sum
}

// measure asks for the ends of the partitions, until ctx ends. What is fetched
// tells them too, but while the room is down nothing is.
func (g *generation) measure(ctx context.Context) {
	for {
		for _, p := range g.partitions {
			end, err := g.source.client.End(ctx, p.topic, p.id)
			if err != nil {
				break // fetches tell of it; until the next time the last answers count
			}
			p.end.Store(end)
		}
		if !client.Pause(ctx, g.source.poll) {
			return
		}
	}
}
