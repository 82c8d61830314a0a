package jetstream

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

const (
	// defaultWait is the ack wait of a consumer that has not been looked up yet.
	defaultWait = 30 * time.Second
	// confirmTime is how long the broker may take to confirm an acknowledgement
	// before it is sent again. It is lost when the consumer's leader changes.
	confirmTime = time.Second
)

// keyOf names the place where a message lies. The timestamp tells a recreated stream,
// whose sequence begins anew, from the old one.
func keyOf(meta *client.MsgMetadata) string {
	key := strconv.AppendUint(make([]byte, 0, 32), meta.Sequence.Stream, 10)
	return string(strconv.AppendInt(append(key, '-'), meta.Timestamp.UnixNano(), 10))
}

// leases are all messages that are not settled. One goroutine tells the broker of
// each in time.
type leases struct {
	src    *Source
	wake   chan struct{} // tell the broker of all now
	change chan struct{} // a lease was settled, or the connection is gone

	mu      sync.Mutex
	held    map[string]*lease // by their keys
	wait    time.Duration     // the consumer's ack wait
	created time.Time         // of the consumer, which is looked up before anything is held
}

func newLeases(src *Source) *leases {
	return &leases{
		src:  src,
		wake: make(chan struct{}, 1), change: make(chan struct{}, 1),
		held: map[string]*lease{}, wait: defaultWait,
	}
}

// add takes a message into the table. It returns nil if there is nothing new
// to do: the broker repeats a message that is still held.
func (all *leases) add(m *client.Msg) *lease {
	meta, err := m.Metadata()
	if err != nil {
		return nil // not from a consumer
	}
	key, claim := keyOf(meta), all.src.pin.claimOn(m)
	all.mu.Lock()
	defer all.mu.Unlock()
	if l := all.held[key]; l != nil {
		l.redelivered(m.Reply, claim)
		return nil
	}
	all.src.health.SetLag(meta.NumPending)
	l := &lease{all: all, key: key, msg: m, meta: meta, extendedAt: time.Now(), claim: claim, subject: m.Reply}
	all.held[key] = l
	return l
}

// confirmed notes that the broker has stored what it was told of a lease.
func (all *leases) confirmed(word, key string) {
	all.mu.Lock()
	l := all.held[key]
	all.mu.Unlock()
	switch {
	case l == nil:
	case word == ackWord:
		l.finish()
	default:
		l.extended()
	}
}

// run tells the broker of the leases until ctx ends.
func (all *leases) run(ctx context.Context) {
	for {
		timer := time.NewTimer(min(all.period()/2, confirmTime))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-all.wake:
			all.extend(0)
		case <-timer.C:
			all.extend(all.period())
		}
		all.src.keepPin()
		timer.Stop()
	}
}

// extendNow has the broker told of all leases at once.
func (all *leases) extendNow() { notify(all.wake) }

func notify(flag chan<- struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}

// bind notes when the consumer was created, and its ack wait. If it is another one than
// before, maybe of another stream, it does not know what its predecessor had delivered,
// and is told nothing of that: under the same numbers it knows other messages.
func (all *leases) bind(created time.Time, wait time.Duration) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if created.After(all.created) {
		all.created = created
		for _, l := range all.held {
			l.subject = ""
		}
	}
	if wait > 0 && wait != all.wait {
		all.wait = wait
		all.extendNow()
	}
}

// ackWait is the consumer's ack wait.
func (all *leases) ackWait() time.Duration {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.wait
}

// claimed is how many messages are ours by that claim.
func (all *leases) claimed(c *claim) int {
	all.mu.Lock()
	defer all.mu.Unlock()
	count := 0
	for _, l := range all.held {
		if l.state == leased && l.claim == c {
			count++
		}
	}
	return count
}

// period is how long the broker may hear nothing of a lease.
func (all *leases) period() time.Duration { return all.ackWait() / 3 }

// extend tells the broker of what it has not heard for age; without a connection that
// would only fill the client's buffer. What it has not heard of for almost the ack wait
// has lapsed: it may give that to another worker.
func (all *leases) extend(age time.Duration) {
	tooLong, online := all.ackWait()*5/6, all.src.conn.IsConnected() // the next look comes after a sixth
	all.each(func(l *lease) bool {
		l.lapse(tooLong)
		return online && l.extend(age) && l.finish()
	})
}

// each calls do for each lease, and counts those for which it returns true.
func (all *leases) each(do func(*lease) bool) (count int) {
	all.mu.Lock()
	list := slices.Collect(maps.Values(all.held))
	all.mu.Unlock()
	for _, l := range list {
		if do(l) {
			count++
		}
	}
	return count
}

// releaseAll releases what is not acknowledged and returns how much that was.
func (all *leases) releaseAll() int {
	return all.each(func(l *lease) bool {
		if l.is(acked) {
			return false
		}
		_ = l.Release(0) // what fails comes again as well, only later
		return true
	})
}

// awaitAcks waits until the broker has confirmed all acknowledgements.
func (all *leases) awaitAcks(ctx context.Context) error {
	for all.each(func(*lease) bool { return true }) > 0 {
		if !all.src.conn.IsConnected() {
			return conn.ErrOffline
		}
		select {
		case <-all.change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// abandon settles what the broker has not confirmed and returns how much that
// was.
func (all *leases) abandon() int { return all.each((*lease).finish) }
