package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// group is a model of a Kafka topic and one consumer group. A partition belongs to
// one worker at a time, which commits up to its first message that is not settled.
// What is not committed comes again to the next owner, whoever has seen it.
type group struct {
	broker
	session    time.Duration // after which a member that is silent is put out
	partitions []*partition
	members    []*groupSource
	shift      int  // decides who gets what
	moving     bool // partitions are being given back
}

type partition struct {
	id        int
	messages  []*stored
	next      uint64
	committed int // how many of the messages
	owner     *assignment
}

// assignment is a partition in the hands of one member.
type assignment struct {
	source    *groupSource
	partition *partition
	position  int         // of the next message to deliver
	out       []*logLease // in order, from the first that is not committed
	lost      chan struct{}
	revoked   time.Time // when it was asked back, zero: not
	over      bool
	pending   bool // a commit is on its way
}

func newGroup(obs *observer, random *rand.Rand, ordered bool, habits Broker) *group {
	g := &group{broker: newBroker("kafka:sim", obs, random, ordered, habits), session: time.Duration(habits.Wait)}
	for id := range habits.Partitions {
		g.partitions = append(g.partitions, &partition{id: id})
	}
	return g
}

// publish stores a message. Some offsets are left out, as by compaction.
func (g *group) publish(n Notification) {
	g.mu.Lock()
	defer g.mu.Unlock()
	to := g.partitions[n.Partition%len(g.partitions)]
	to.next += 1 + uint64(max(0, g.random.IntN(6)-3))
	m := &stored{numbers: n.numbers(), at: g.clock(), offset: to.next, body: n.body()}
	to.messages = append(to.messages, m)
	g.obs.published(m, fmt.Sprintf("%s[%d]", g.name, to.id), g.ordered)
	g.signal()
}

func (g *group) open(p *process) sources.Source {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &groupSource{group: g, process: p}
	g.members = append(g.members, s)
	g.rebalance()
	return s
}

// expire has the group share its partitions out anew.
func (g *group) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shift++
	g.rebalance()
}

// evict puts a member out without asking; it joins again.
func (g *group) evict(p *process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, part := range g.partitions {
		if part.owner != nil && part.owner.source.process == p {
			part.owner.end()
		}
	}
	g.shift++
	g.rebalance()
}

// rebalance asks all partitions back and shares them out when they have been
// given back. g.mu is held.
func (g *group) rebalance() {
	now := time.Now()
	for _, p := range g.partitions {
		if a := p.owner; a != nil && a.revoked.IsZero() {
			a.revoked = now
			close(a.lost)
		}
	}
	if !g.moving {
		g.moving = true
		time.AfterFunc(moveTime, g.share)
	}
}

// The time within which a partition is given back.
const (
	moveTime    = 3 * time.Millisecond
	drainStep   = 10 * time.Millisecond
	drainBudget = 5 * time.Second
)

// share shares the partitions out, once all have been given back.
func (g *group) share() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.partitions {
		if a := p.owner; a != nil && !a.back() {
			time.AfterFunc(drainStep, g.share)
			return
		}
	}
	g.moving = false
	g.members = slices.DeleteFunc(g.members, func(s *groupSource) bool { return s.away() })
	for i, p := range g.partitions {
		if p.owner != nil {
			p.owner.end()
			p.owner = nil
		}
		if len(g.members) > 0 {
			p.owner = &assignment{
				source: g.members[(i+g.shift)%len(g.members)], partition: p, position: p.committed, lost: make(chan struct{}),
			}
		}
	}
	g.signal()
}

// back reports whether the partition has been given back.
func (a *assignment) back() bool {
	waited := time.Since(a.revoked)
	switch {
	case a.over, a.source.closed:
		return true
	case a.source.process.isDead(), a.source.away():
		return waited > a.source.session
	case waited > drainBudget:
		return true
	default:
		return !slices.ContainsFunc(a.out, func(l *logLease) bool { return !l.released })
	}
}

// end says that nothing will be committed any more.
func (a *assignment) end() {
	if a.over {
		return
	}
	a.over = true
	if a.revoked.IsZero() {
		a.revoked = time.Now()
		close(a.lost)
	}
	for _, l := range a.out {
		l.finish()
	}
}

// commit stores what has been settled without a hole. g.mu is held.
func (a *assignment) commit() {
	for !a.over && len(a.out) > 0 && a.out[0].done {
		l := a.out[0]
		a.out = a.out[1:]
		a.partition.committed = l.index + 1
		l.message.acked.Store(true)
		a.source.obs.acked(l.message)
		l.finish()
	}
}

// commitSoon does it after a while.
func (a *assignment) commitSoon() {
	g := a.source.group
	if a.pending {
		return
	}
	a.pending = true
	pause := g.ackDelay(a.source.process) + 5*time.Millisecond
	arrives := a.source.process.coin()
	time.AfterFunc(pause, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		a.pending = false
		p := a.source.process
		switch until := p.reaches(); {
		case p.isDead() && !arrives:
		case p.isDead():
			a.commit()
		case g.trouble.lostAcks > 0:
			g.trouble.lostAcks--
			a.commitSoon()
		case until.IsZero():
			a.commit()
		default:
			time.AfterFunc(time.Until(until), a.source.wake)
		}
	})
}

// groupSource is the source of one worker.
type groupSource struct {
	*group
	process *process
	closed  bool
}

// String implements sources.Source.
func (s *groupSource) String() string { return s.name }

// away reports whether the group has put the member out, or will. It does not
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
			a.out = append(a.out, l)
			s.obs.delivered(s.process, s.name, m)
			batch = append(batch, sources.NewDelivery(m.message("kafka", "sim", p.id, 1), l))
		}
	}
	return batch
}

// join makes a member of whoever was put out.
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

// logLease is a message that is out.
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
