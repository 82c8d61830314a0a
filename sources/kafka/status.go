package kafka

import (
	"errors"
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

var _ sources.Reporter = (*Source)(nil)

// Status tells how the source is, without asking the brokers. It stays bound
// while the group shares the partitions out anew.
func (s *Source) Status() sources.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := sources.Status{Receiving: s.joined, Lag: s.lag()}
	problem := s.problem
	if s.joined {
		status.Stalled, problem = s.stalled()
	}
	if problem != nil {
		status.Problem = strings.Join(strings.Fields(problem.Error()), " ")
	}
	return status
}

// stalled counts the partitions without progress, and says why.
func (s *Source) stalled() (n int, problem error) {
	for _, p := range s.partitions {
		if err := p.progress.stalled(s.stallTimeout()); err != nil {
			n++
			problem = errors.Join(problem, fmt.Errorf("%s makes no progress: %w", p.name(), err))
		}
	}
	return n, problem
}

// lag adds up what waits in our partitions; -1 if one does not know yet, or
// nobody knows which are ours.
func (s *Source) lag() int64 {
	if s.partitions == nil {
		return -1
	}
	sum := int64(0)
	for _, p := range s.partitions {
		lag := p.progress.lag(p.tracker.handedOut(), 2*s.stallTimeout())
		if lag < 0 {
			return -1
		}
		sum += lag
	}
	return sum
}
