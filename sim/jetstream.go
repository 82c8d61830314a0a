package sim

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// stream is a model of a JetStream stream with one durable pull consumer. Several
// workers pull from it. A pending message is redelivered when its worker has been
// away for the ack wait, or earlier, or when its acknowledgement was lost.
type stream struct {
	broker
	wait     time.Duration
	messages []*streamed
}

type streamed struct {
	stored
	lease    *streamLease // the latest, nil if it waits
	due      time.Time    // when it may be delivered again
	attempts int
}

func newStream(obs *observer, random *rand.Rand, ordered bool, habits Broker) *stream {
	return &stream{broker: newBroker("nats:SIM", obs, random, ordered, habits), wait: time.Duration(habits.Wait)}
}

// publish stores a message.
func (s *stream) publish(n Notification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &streamed{stored: stored{numbers: n.numbers(), at: s.clock(), offset: uint64(len(s.messages)) + 1, body: n.body()}}
	s.messages = append(s.messages, m)
	s.obs.published(&m.stored, s.name, s.ordered)
	s.signal()
}

func (s *stream) open(p *process) sources.Source { return &streamSource{stream: s, process: p} }

// expire has everything redelivered that is pending.
func (s *stream) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.lease != nil && !m.acked.Load() {
			m.lease = nil
		}
	}
	s.signal()
}

// evict has everything come again that is with p.
func (s *stream) evict(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if l := m.lease; l != nil && l.source.process == p && !m.acked.Load() {
			l.lapse()
			m.lease = nil
		}
	}
	s.signal()
}

// forget forgets the last n acknowledgements, as one that crashes may.
func (s *stream) forget(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.messages) {
		if m.acked.Load() && n > 0 {
			n--
			m.acked.Store(false)
			m.lease, m.due = nil, time.Time{}
		}
	}
	s.signal()
}

// free reports whether m may be delivered, and else when to look again. s.mu is held.
func (s *stream) free(m *streamed) (bool, time.Time) {
	switch l := m.lease; {
	case m.acked.Load():
		return false, time.Time{}
	case l == nil && passedOrZero(m.due):
		return true, time.Time{}
	case l == nil:
		return false, m.due
	default:
		until := l.expires()
		if until.IsZero() || !passed(until) {
			return false, until
		}
		l.lapse()
		return true, time.Time{}
	}
}

func passedOrZero(t time.Time) bool { return t.IsZero() || passed(t) }

// streamSource is the source of one worker.
type streamSource struct {
	*stream
	process *process
	closed  bool
}

// String implements sources.Source.
func (s *streamSource) String() string { return s.name }

// Receive implements sources.Source.
func (s *streamSource) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	return s.receive(ctx, s.process, func() ([]*sources.Delivery, time.Time) { return s.take(limit) })
}

// take delivers what is free. Else it says when to look again.
func (s *streamSource) take(limit sources.Limit) (batch []*sources.Delivery, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bytes := 0
	for _, m := range s.messages {
		ok, again := s.free(m)
		if !ok {
			until = earliest(until, again)
			continue
		}
		if !limit.Fits(len(batch), bytes, m.size()) {
			break
		}
		bytes += m.size()
		m.attempts++
		m.lease = &streamLease{source: s, message: m, lost: make(chan struct{}), since: time.Now()}
		s.obs.delivered(s.process, s.name, &m.stored)
		batch = append(batch, sources.NewDelivery(m.message("nats", "notify.sim", 0, m.attempts), m.lease))
	}
	return batch, until
}

// Stop implements sources.Source.
func (s *streamSource) Stop() {}

// Close implements sources.Source.
func (s *streamSource) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, m := range s.messages {
		l := m.lease
		switch {
		case l == nil || l.source != s || m.acked.Load() || s.process.isDead():
		case l.acknowledged && !l.ackLost && s.process.reaches().IsZero():
			m.acked.Store(true)
			s.obs.acked(&m.stored)
		case !l.acknowledged:
			m.lease = nil
		}
	}
	s.signal()
	return nil
}

// streamLease is a delivered message that is not acknowledged.
type streamLease struct {
	source       *streamSource
	message      *streamed
	since        time.Time
	lost         chan struct{}
	lostClosed   bool
	acknowledged bool // by the worker; the broker may not have got it
	ackLost      bool // and will not get it
}

// expires says when the broker redelivers the message: the ack wait after the last
// in-progress ack. Zero: not, as long as the worker is there and sends them.
func (l *streamLease) expires() time.Time {
	p := l.source.process
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.dead:
		return p.died.Add(l.source.wait)
	case l.acknowledged:
		return l.since.Add(l.source.wait) // no more in-progress acks
	case time.Now().Before(p.offline):
		return p.cut.Add(l.source.wait)
	default:
		return time.Time{}
	}
}

// lapse notes that the broker gives the message to somebody. The mutex of the
// stream is held.
func (l *streamLease) lapse() {
	if !l.lostClosed {
		l.lostClosed = true
		close(l.lost)
	}
}

// Ack implements sources.Settler. The broker hears it later, or never.
func (l *streamLease) Ack(durable func()) error {
	s := l.source
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process.isDead() {
		return nil
	}
	s.obs.settled(s.process, s.name, &l.message.stored, acknowledges)
	l.acknowledged, l.since = true, time.Now()
	pause := s.ackDelay(s.process)
	l.ackLost = s.trouble.lostAcks > 0
	if l.ackLost {
		s.trouble.lostAcks--
		pause += s.wait // by then it is known
	}
	arrives := s.process.coin()
	time.AfterFunc(pause, func() { l.arrive(arrives, durable) })
	return nil
}

// arrive is when the broker hears of an acknowledgement. After the worker's death
// it does so only if the acknowledgement was on its way.
func (l *streamLease) arrive(arrives bool, durable func()) {
	s := l.source
	if until := s.process.reaches(); !until.IsZero() && !s.process.isDead() {
		time.AfterFunc(time.Until(until)+time.Millisecond, func() { l.arrive(arrives, durable) })
		return
	}
	s.mu.Lock()
	dead := s.process.isDead()
	if !l.ackLost && (!dead || arrives) && !l.message.acked.Load() {
		l.message.acked.Store(true)
		s.obs.acked(&l.message.stored)
	}
	s.signal()
	s.mu.Unlock()
	if !dead {
		s.obs.durable(s.process, &l.message.stored)
		if durable != nil {
			durable()
		}
	}
}

// Release implements sources.Settler.
func (l *streamLease) Release(delay time.Duration) error {
	s := l.source
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process.isDead() {
		return nil
	}
	s.obs.settled(s.process, s.name, &l.message.stored, releases)
	s.obs.durable(s.process, &l.message.stored)
	if l.message.lease == l {
		l.message.lease, l.message.due = nil, time.Now().Add(max(delay, time.Millisecond))
	}
	s.signal()
	return nil
}

// Reject implements sources.Settler.
func (l *streamLease) Reject(ctx context.Context, reason sources.Reason) error {
	if err := l.source.writeDeadLetter(ctx, l.source.process, &l.message.stored, reason); err != nil {
		return err
	}
	return l.Ack(nil)
}

// Lost implements sources.Settler.
func (l *streamLease) Lost() <-chan struct{} { return l.lost }
