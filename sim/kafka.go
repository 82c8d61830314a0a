package sim

import (
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
	session    time.Duration // after which a silent member is evicted
	partitions []*partition
	members    []*groupSource
	shift      int  // decides who gets what
	moving     bool // partitions are being revoked
}

type partition struct {
	id        int
	messages  []*stored
	next      uint64
	committed int // how many of the messages
	owner     *assignment
}

// assignment is a partition that is assigned to a member.
type assignment struct {
	source     *groupSource
	partition  *partition
	position   int         // of the next message to deliver
	pending    []*logLease // in order, from the first that is not committed
	lost       chan struct{}
	revoked    time.Time // when it was revoked, zero: not
	over       bool
	committing bool // soon
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

// expire has the group assign its partitions anew.
func (g *group) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shift++
	g.rebalance()
}

// evict removes a member without asking; it joins again.
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

// forget forgets the last n commits, as brokers may whose leader is lost.
// Nobody commits any more what he was assigned before.
func (g *group) forget(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.partitions {
		if p.owner != nil {
			p.owner.end()
		}
		for ; n > 0 && p.committed > 0; n-- {
			p.committed--
			p.messages[p.committed].acked.Store(false)
		}
	}
	g.rebalance()
}

// rebalance revokes all partitions and assigns them anew when they have been
// released. g.mu is held.
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
		time.AfterFunc(moveTime, g.assign)
	}
}

// The time within which a partition is released.
const (
	moveTime    = 3 * time.Millisecond
	drainStep   = 10 * time.Millisecond
	drainBudget = 5 * time.Second
)

// assign assigns the partitions, once all have been released.
func (g *group) assign() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.partitions {
		if a := p.owner; a != nil && !a.isReleased() {
			time.AfterFunc(drainStep, g.assign)
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

// isReleased reports whether the worker has released the partition.
func (a *assignment) isReleased() bool {
	waited := time.Since(a.revoked)
	switch {
	case a.over, a.source.closed:
		return true
	case a.source.process.isDead(), a.source.away():
		return waited > a.source.session
	case waited > drainBudget:
		return true
	default:
		return !slices.ContainsFunc(a.pending, func(l *logLease) bool { return !l.released })
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
	for _, l := range a.pending {
		l.finish()
	}
}

// commit stores what has been settled without a hole. g.mu is held.
func (a *assignment) commit() {
	for !a.over && len(a.pending) > 0 && a.pending[0].done {
		l := a.pending[0]
		a.pending = a.pending[1:]
		a.partition.committed = l.index + 1
		l.message.acked.Store(true)
		a.source.obs.acked(l.message)
		l.finish()
	}
}

// commitSoon does it after a while.
func (a *assignment) commitSoon() {
	g := a.source.group
	if a.committing {
		return
	}
	a.committing = true
	pause := g.ackDelay(a.source.process) + 5*time.Millisecond
	arrives := a.source.process.coin()
	time.AfterFunc(pause, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		a.committing = false
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
