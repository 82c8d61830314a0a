package jetstream

import (
	"context"
	"fmt"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/deadletter"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/header"
)

// minDelay replaces no delay: a bare nak delivers again at once, in a hot loop.
const minDelay = time.Millisecond

// leaseState is how far a message is.
type leaseState int

const (
	leased  leaseState = iota // ours, as long as in-progress acks reach the broker
	lapsed                    // none did for so long that another worker may have it
	acked                     // acknowledged; the broker has not confirmed that yet
	settled                   // confirmed, or released: no longer ours
)

// lease is one message that the broker has given to us: the settler of its
// delivery.
type lease struct {
	all    *leases
	msg    *client.Msg
	meta   *client.MsgMetadata
	number uint64 // names it in the subject of the broker's confirmation
	poison error  // why it must not be decoded, or nil; belongs to Receive

	mu      sync.Mutex
	state   leaseState
	claim   *claim    // has ended when it is lost
	told    time.Time // when the broker last heard of it, as far as it has confirmed that
	subject string    // where it listens for that
	durable func()    // to call when an acknowledgement is confirmed; may be nil
	orphan  bool      // its consumer was deleted, and the new one numbers its messages alike
}

var _ sources.Settler = (*lease)(nil)

// message is what is leased. It is large, so it is made where it is needed.
func (l *lease) message() sources.Message {
	return sources.Message{
		Raw:      envelope.Raw{Header: header.List(l.msg.Header), Body: l.msg.Data},
		Broker:   "nats",
		Topic:    l.msg.Subject,
		Stream:   l.meta.Stream,
		Consumer: l.meta.Consumer,
		Offset:   l.meta.Sequence.Stream,
		Attempt:  int(min(l.meta.NumDelivered, maxAttempt)),
		Time:     l.meta.Timestamp,
	}
}

// maxAttempt keeps a count from the network within an int.
const maxAttempt = 1 << 30

// place names it, for errors.
func (l *lease) place() string {
	m := l.message()
	return m.Place()
}

// What the broker can be told of a message.
const (
	ackBody        = "+ACK"
	nakBody        = `-NAK {"delay": %d}`
	inProgressBody = "+WPI"
)

// Ack tells the broker that the message is done with, and asks it to confirm. It
// does not wait for that: what is not confirmed in time is sent again.
func (l *lease) Ack(durable func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == settled { // the source was closed
		call(durable)
		return nil
	}
	l.state, l.durable, l.told = acked, durable, time.Now()
	if !l.orphan {
		l.sendAck()
	}
	return nil
}

// sendAck acknowledges. That it cannot be sent is no error: it is sent again.
func (l *lease) sendAck() {
	l.told = time.Now()
	_ = l.all.src.conn.PublishRequest(l.subject, l.all.src.inbox.confirmation(l.number), []byte(ackBody))
}

// Release lets the broker deliver the message again after delay. What has lapsed
// it has delivered again, or will: a nak would take it from its new holder. On
// error it does so when the ack wait is over. Nothing may follow a nak: an
// in-progress ack would make the broker wait for the whole ack wait.
func (l *lease) Release(delay time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.state
	if before == acked || before == settled {
		return nil
	}
	l.state = settled
	l.all.remove(l)
	if before == lapsed || l.orphan {
		return nil
	}
	body := fmt.Appendf(nil, nakBody, max(delay, minDelay).Nanoseconds())
	if err := l.all.src.conn.Publish(l.subject, body); err != nil {
		return fmt.Errorf("release %s: %w", l.place(), err)
	}
	return nil
}

// Reject writes the dead letter and then acknowledges.
func (l *lease) Reject(ctx context.Context, reason sources.Reason) error {
	if l.is(settled) {
		return nil
	}
	if l.poison != nil {
		reason.Code, reason.Err = sources.ReasonRetries, l.poison
	}
	m := l.message()
	if err := deadletter.Write(ctx, l.all.src.conn, l.all.src.settings.DLQSubject, &m, reason); err != nil {
		return fmt.Errorf("reject %s: %w", l.place(), err)
	}
	return l.Ack(nil)
}

// Lost is closed when the broker has been away for so long that another worker
// may have the message, or when another worker is pinned. An acknowledgement still
// counts.
func (l *lease) Lost() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claim.lost
}

func (l *lease) isLost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claim.ended()
}

// extend tells the broker what it has not heard for age: that the message is
// being worked on, or once more that it is done with. It reports whether nobody
// will confirm that.
func (l *lease) extend(age time.Duration) (vain bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	silence := time.Since(l.told)
	switch {
	case l.orphan:
		return l.state == acked && silence >= confirmTime
	case l.state == acked && silence >= min(age, confirmTime):
		l.sendAck()
	case l.given():
	case (l.state == leased || l.state == lapsed) && silence >= age:
		_ = l.all.src.conn.PublishRequest(l.subject, l.all.src.inbox.progress(l.number), []byte(inProgressBody)) // sent again until it is confirmed
	}
	return false
}

// orphaned notes that the consumer is another one than before. It is told nothing more:
// under the same numbers it knows other messages.
func (l *lease) orphaned() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orphan = true
}

// extended notes that the broker has confirmed an in-progress ack.
func (l *lease) extended(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != acked && sent.After(l.told) {
		l.told = sent
	}
}

// given reports whether the message is left to the worker that is pinned now: the
// broker redelivers it unless it is acknowledged or released before. mu is held.
func (l *lease) given() bool { return l.all.src.pin.strict && l.state != acked && l.claim.ended() }

// lapse notes that the broker has heard nothing for age or longer.
func (l *lease) lapse(age time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != leased || time.Since(l.told) < age {
		return
	}
	l.state = lapsed
	l.claim.end()
}

// redelivered notes that the broker has given us the message anew, because the
// ack wait was over or an acknowledgement was lost: it has a new address. False:
// we have just released it, and this is a new lease.
func (l *lease) redelivered(subject string, claim *claim) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == settled {
		return false
	}
	l.subject, l.orphan = subject, false
	if l.state == acked {
		l.sendAck()
	} else {
		l.state, l.told = leased, time.Now()
		if l.all.src.pin.strict {
			l.claim = claim
		}
	}
	return true
}

// settle ends a lease in the state, and reports whether it was in that.
func (l *lease) settle(in leaseState) bool {
	l.mu.Lock()
	if l.state != in {
		l.mu.Unlock()
		return false
	}
	durable := l.durable
	l.state, l.durable = settled, nil
	l.mu.Unlock()
	l.all.remove(l)
	call(durable)
	return true
}

// under reports whether the message is ours by that claim.
func (l *lease) under(c *claim) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == leased && l.claim == c
}

func (l *lease) is(state leaseState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == state
}

func call(f func()) {
	if f != nil {
		f()
	}
}
