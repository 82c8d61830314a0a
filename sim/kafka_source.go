package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// groupSource is the source of one worker.
type groupSource struct {
	*group
	process *process
	closed  bool
}

// String implements sources.Source.
func (s *groupSource) String() string { return s.name }

// away reports whether the group has evicted the member, or will. It does not
// hold s.mu.
func (s *groupSource) away() bool {
	s.process.mu.Lock()
	defer s.process.mu.Unlock()
	return s.closed || s.process.dead && time.Since(s.process.died) > s.session ||
		time.Now().Before(s.process.offline) && time.Since(s.process.cut) > s.session
}

// wake has everything looked at that could not be done.
func (s *groupSource) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.partitions {
		if p.owner != nil && p.owner.source == s {
			p.owner.commitSoon()
		}
	}
	s.signal()
}

// Receive implements sources.Source.
func (s *groupSource) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	return s.receive(ctx, s.process, func() ([]*sources.Delivery, time.Time) { return s.take(limit), time.Time{} })
}

// take delivers what is there.
func (s *groupSource) take(limit sources.Limit) (batch []*sources.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.join()
	bytes := 0
	for _, p := range s.partitions {
		a := p.owner
		if a == nil || a.source != s || !a.revoked.IsZero() {
			continue
		}
		for a.position < len(p.messages) && limit.Fits(len(batch), bytes, p.messages[a.position].size()) {
			m := p.messages[a.position]
			bytes += m.size()
			l := &logLease{assignment: a, message: m, index: a.position}
			a.position++
			a.pending = append(a.pending, l)
			s.obs.delivered(s.process, s.name, m)
			batch = append(batch, sources.NewDelivery(m.message("kafka", "sim", p.id, 1), l))
		}
	}
	return batch
}

// join makes the worker a member again if it was evicted.
func (s *groupSource) join() {
	if !s.closed && !slices.Contains(s.members, s) {
		s.members = append(s.members, s)
		s.rebalance()
	}
}

// Stop implements sources.Source.
func (s *groupSource) Stop() {}

// Close implements sources.Source.
func (s *groupSource) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.process.isDead() {
		return nil
	}
	for _, p := range s.partitions {
		if p.owner != nil && p.owner.source == s {
			if s.process.reaches().IsZero() {
				p.owner.commit()
			}
			p.owner.end()
		}
	}
	s.rebalance()
	return nil
}

// logLease is a delivered message whose offset is not committed.
type logLease struct {
	assignment *assignment
	message    *stored
	index      int
	done       bool // settled
	released   bool // nothing more will come of it: settled, or given back
	durable    func()
}

// finish tells the worker that nothing better will become of a settled message.
func (l *logLease) finish() {
	l.assignment.source.obs.durable(l.assignment.source.process, l.message)
	if l.durable != nil && !l.assignment.source.process.isDead() {
		time.AfterFunc(0, l.durable)
	}
	l.durable = nil
}

// Ack implements sources.Settler.
func (l *logLease) Ack(durable func()) error {
	g := l.assignment.source.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.assignment.source.process.isDead() {
		return nil
	}
	g.obs.settled(l.assignment.source.process, g.name, l.message, acknowledges)
	l.done, l.released, l.durable = true, true, durable
	if l.assignment.over {
		l.finish()
		return nil
	}
	l.assignment.commitSoon()
	return nil
}

// Release implements sources.Settler.
func (l *logLease) Release(time.Duration) error {
	g := l.assignment.source.group
	g.mu.Lock()
	defer g.mu.Unlock()
	g.obs.settled(l.assignment.source.process, g.name, l.message, releases)
	g.obs.durable(l.assignment.source.process, l.message)
	l.released = true
	return nil
}

// Reject implements sources.Settler.
func (l *logLease) Reject(ctx context.Context, reason sources.Reason) error {
	select {
	case <-l.assignment.lost:
		return fmt.Errorf("partition %d is lost", l.assignment.partition.id)
	default:
	}
	a := l.assignment
	if err := a.source.writeDeadLetter(ctx, a.source.process, l.message, reason); err != nil {
		return err
	}
	return l.Ack(nil)
}

// Lost implements sources.Settler.
func (l *logLease) Lost() <-chan struct{} { return l.assignment.lost }
