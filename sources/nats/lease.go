package nats

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// minDelay replaces no delay: a bare nak delivers again at once, in a hot loop.
const minDelay = time.Millisecond

// lease is one message on loan from the broker: the settler of its delivery.
type lease struct {
	all    *leases
	msg    *nats.Msg
	meta   *nats.MsgMetadata
	since  time.Time
	poison error         // why it must not be decoded, or nil; belongs to Receive
	lost   chan struct{} // closed when it has lapsed

	mu      sync.Mutex
	alive   time.Time // the last sign of life
	lapsed  bool      // there was none for so long that somebody else may have the message
	reply   string    // where the broker listens for the verdict
	done    bool      // the verdict is out
	acked   bool      // and it is an acknowledgement
	durable func()    // to call when an acknowledgement is certain; may be nil
	epoch   uint64    // of the connection that carries it, or unsent
	again   bool      // the broker may be about to deliver it again
	certain time.Time
}

var _ sources.Settler = (*lease)(nil)

func newLease(all *leases, m *nats.Msg, meta *nats.MsgMetadata) *lease {
	now := time.Now()
	return &lease{all: all, msg: m, meta: meta, since: now, alive: now, lost: make(chan struct{}), reply: m.Reply}
}

// message is what is on loan. It is large, so it is made where it is needed.
func (l *lease) message() sources.Message {
	return sources.Message{
		Raw:      envelope.Raw{Header: flatten(l.msg.Header), Body: l.msg.Data},
		Broker:   "nats",
		Topic:    l.msg.Subject,
		Stream:   l.meta.Stream,
		Consumer: l.meta.Consumer,
		Offset:   l.meta.Sequence.Stream,
		Attempt:  int(min(l.meta.NumDelivered, maxAttempt)),
		Time:     l.meta.Timestamp,
	}
}

// place names it, for errors.
func (l *lease) place() string {
	m := l.message()
	return m.Place()
}

// maxAttempt keeps a count from the network within an int.
const maxAttempt = 1 << 30

// flatten lists the headers in a stable order.
func flatten(h nats.Header) []envelope.Header {
	if len(h) == 0 {
		return nil
	}
	keys := make([]string, 0, len(h))
	for key := range h {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	list := make([]envelope.Header, 0, len(h))
	for _, key := range keys {
		for _, value := range h[key] {
			list = append(list, envelope.Header{Key: key, Value: value})
		}
	}
	return list
}

// The broker's words for a verdict.
const (
	ackVerdict = "+ACK"
	nakVerdict = `-NAK {"delay": %d}`
	inProgress = "+WPI"
)

// Ack tells the broker that the message is done with. It does not wait for an
// answer; while the broker is away the client keeps the word for it, and where
// it cannot, the next connection carries it.
func (l *lease) Ack(durable func()) error {
	l.mu.Lock()
	if l.done { // the source was closed
		l.mu.Unlock()
		call(durable)
		return nil
	}
	_ = l.say(ackVerdict) // in doubt until it is confirmed, so it is sent again anyway
	l.acked, l.durable = true, durable
	l.mu.Unlock()
	l.all.acks.add(l)
	return nil
}

// Release lets the broker deliver the message again after delay. What has lapsed
// it has delivered again, or will: a nak would take it from its new holder. On
// error it does so when the ack wait is over.
func (l *lease) Release(delay time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return nil
	}
	defer l.all.remove(l)
	if l.lapsed {
		l.done = true
		return nil
	}
	return l.say(fmt.Sprintf(nakVerdict, max(delay, minDelay).Nanoseconds()))
}

// unsent is the epoch of no connection.
const unsent = math.MaxUint64

// say sends the verdict. Nothing may follow it: a sign of life after a nak
// would make the broker wait for the whole ack wait.
func (l *lease) say(verdict string) error {
	l.done, l.epoch = true, epoch(l.all.src.conn)
	if err := l.all.src.conn.Publish(l.reply, []byte(verdict)); err != nil {
		l.epoch = unsent
		return fmt.Errorf("settle %s: %w", l.place(), err)
	}
	return nil
}

// Reject writes the dead letter and then acknowledges.
func (l *lease) Reject(ctx context.Context, reason sources.Reason) error {
	if l.isDone() {
		return nil
	}
	if l.poison != nil {
		reason = sources.Reason{Code: sources.ReasonRetries, Err: l.poison}
	}
	m := l.message()
	if err := bury(ctx, l.all.src.js, l.all.src.common.DLQSubject, &m, reason); err != nil {
		return fmt.Errorf("reject %s: %w", l.place(), err)
	}
	return l.Ack(nil)
}

// Lost is closed when the broker has been away for so long that somebody else
// may have the message. An acknowledgement still counts.
func (l *lease) Lost() <-chan struct{} { return l.lost }

// renew gives a sign of life.
func (l *lease) renew() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return nil
	}
	err := l.all.src.conn.Publish(l.reply, []byte(inProgress))
	if err == nil {
		l.alive = time.Now()
	}
	return err
}

// lapse notes that there was no sign of life for age or longer.
func (l *lease) lapse(age time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done || time.Since(l.alive) < age {
		return
	}
	l.lapsed = true
	select {
	case <-l.lost: // it had lapsed before
	default:
		close(l.lost)
	}
}

// redelivered notes that the broker has lost patience while we were away: the
// message is still ours, under a new address. An acknowledgement that was lost
// on the way is repeated. False: the message has just been given back, and
// this is a new loan.
func (l *lease) redelivered(reply string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reply, l.again, l.lapsed = reply, true, false
	if l.acked {
		_ = l.say(ackVerdict) // stays in doubt, so it is sent again anyway
	}
	return l.acked || !l.done
}

// repeat sends an acknowledgement again if it went over another connection
// than now, and reports whether it did.
func (l *lease) repeat(now uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch == now {
		return false
	}
	_ = l.say(ackVerdict)
	l.again = true
	return true
}

// confirmed ends a lease that was acknowledged. One that the broker may have
// been about to deliver again is remembered for a while, to answer that.
func (l *lease) confirmed() {
	l.mu.Lock()
	again, durable := l.again, l.durable
	l.certain, l.durable = time.Now(), nil
	l.mu.Unlock()
	if !again {
		l.all.remove(l)
	}
	call(durable)
}

// stale reports whether l is remembered only, and for longer than age.
func (l *lease) stale(age time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.certain.IsZero() && time.Since(l.certain) > age
}

func call(f func()) {
	if f != nil {
		f()
	}
}

func (l *lease) isDone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}
