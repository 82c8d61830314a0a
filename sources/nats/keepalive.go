package nats

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// defaultWait is the ack wait of a consumer that has not been looked up yet.
const defaultWait = 30 * time.Second

// place is where a message lies. The timestamp tells a recreated stream, whose
// sequence begins anew, from the old one.
type place struct {
	seq  uint64
	time int64
}

func placeOf(meta *nats.MsgMetadata) place {
	return place{meta.Sequence.Stream, meta.Timestamp.UnixNano()}
}

// leases are all messages on loan, and those of which the broker may not know
// yet that they are not. One goroutine renews them.
type leases struct {
	src  *Source
	acks *acks
	poke chan struct{} // renew now
	quit context.CancelFunc
	wg   sync.WaitGroup

	mu   sync.Mutex
	held map[place]*lease
	wait time.Duration // the consumer's ack wait
}

func newLeases(src *Source) *leases {
	all := &leases{
		src:  src,
		poke: make(chan struct{}, 1),
		held: map[place]*lease{},
		wait: defaultWait,
	}
	all.acks = newAcks(func() *nats.Conn { return src.conn }, all.count)
	return all
}

// add takes a message into the table. It returns nil if there is nothing new
// to do: the broker repeats a message that is still held.
func (all *leases) add(m *nats.Msg) *lease {
	meta, err := m.Metadata()
	if err != nil {
		return nil // not from a consumer
	}
	at := placeOf(meta)
	if l := all.find(at); l != nil && l.redelivered(m.Reply) {
		return nil
	}
	all.src.condition.behind(meta.NumPending)
	l := newLease(all, m, meta)
	all.mu.Lock()
	defer all.mu.Unlock()
	all.held[at] = l
	return l
}

func (all *leases) find(at place) *lease {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.held[at]
}

// remove forgets l, unless the place has a new lease already.
func (all *leases) remove(l *lease) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if at := placeOf(l.meta); all.held[at] == l {
		delete(all.held, at)
	}
}

// start starts the two goroutines that stop waits for.
func (all *leases) start() {
	ctx, quit := context.WithCancel(context.Background())
	all.quit = quit
	all.wg.Go(func() { all.run(ctx) })
	all.wg.Go(func() { all.acks.run(ctx) })
}

func (all *leases) stop() {
	all.quit()
	all.wg.Wait()
}

// run renews leases until ctx ends.
func (all *leases) run(ctx context.Context) {
	timer := time.NewTimer(all.period())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-all.poke:
			all.renewOlderThan(0)
		case <-timer.C:
			all.lapse(3 * all.period()) // if we were held up
			all.renewOlderThan(all.period())
			all.forget(all.period())
		}
		timer.Reset(all.period())
	}
}

// connected makes up for a time without a connection. What has lapsed comes
// first: places for it must not become free before.
func (all *leases) connected() {
	all.lapse(2 * all.period())
	all.acks.hurry()
	all.renew()
}

// renew renews all leases at once.
func (all *leases) renew() {
	select {
	case all.poke <- struct{}{}:
	default:
	}
}

// setWait tells how patient the broker is.
func (all *leases) setWait(wait time.Duration) {
	all.mu.Lock()
	changed := wait > 0 && wait != all.wait
	if changed {
		all.wait = wait
	}
	all.mu.Unlock()
	if changed {
		all.renew()
	}
}

// period is how often leases are renewed: each gets a sign of life at two
// thirds of the ack wait at the latest.
func (all *leases) period() time.Duration {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.wait / 3
}

// renewOlderThan gives signs of life. Without a connection they would only
// fill the client's buffer, which the acknowledgements need.
func (all *leases) renewOlderThan(age time.Duration) {
	if !all.src.conn.IsConnected() {
		return
	}
	for _, l := range all.list() {
		if time.Since(l.since) < age {
			continue
		}
		if err := l.renew(); err != nil {
			return // the connection has gone; its return renews
		}
	}
}

// lapse ends the leases without a sign of life for age: the broker may have given
// them to somebody else. That is the ack wait, and a period less after a time
// without a connection, with which the last sign of life may have been lost.
func (all *leases) lapse(age time.Duration) {
	for _, l := range all.list() {
		l.lapse(age)
	}
}

// forget drops what is remembered only, after age.
func (all *leases) forget(age time.Duration) {
	for _, l := range all.list() {
		if l.stale(age) {
			all.remove(l)
		}
	}
}

func (all *leases) count() int {
	all.mu.Lock()
	defer all.mu.Unlock()
	return len(all.held)
}

func (all *leases) list() []*lease {
	all.mu.Lock()
	defer all.mu.Unlock()
	list := make([]*lease, 0, len(all.held))
	for _, l := range all.held {
		list = append(list, l)
	}
	return list
}

// releaseAll gives everything back and returns how much that was.
func (all *leases) releaseAll() int {
	count := 0
	for _, l := range all.list() {
		if !l.isDone() {
			_ = l.Release(0) // what fails comes again as well, only later
			count++
		}
	}
	return count
}
