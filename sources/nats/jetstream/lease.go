package jetstream

import (
	"context"
	"fmt"
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
	key    string // names it in the subjects of the broker's confirmations
	msg    *client.Msg
	meta   *client.MsgMetadata
	poison error // why it must not be decoded, or nil; belongs to Receive

	// The rest is guarded by all.mu.
	state leaseState
	claim *claim // has ended when it is lost
	// extendedAt is when the broker was last sent an acknowledgement that it has confirmed, and
	// unconfirmedSince when it was sent one since; zero: all are confirmed.
	extendedAt, unconfirmedSince time.Time
	subject                      string // of acknowledgements; "": its consumer was deleted, and the new one numbers its messages alike
	durable                      func() // to call when an acknowledgement is confirmed; may be nil
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

// Ack acknowledges the message, and asks the broker to confirm. It does not wait for that:
// what is not confirmed in time is sent again.
func (l *lease) Ack(durable func()) error {
	l.all.mu.Lock()
	closed := l.state == settled // with the source
	if !closed {
		l.state, l.durable = acked, durable
		l.sendAck()
	}
	l.all.mu.Unlock()
	if closed {
		call(durable)
	}
	return nil
}

// sendAck sends the acknowledgement.
func (l *lease) sendAck() {
	l.extendedAt = time.Now()
	l.send(ackWord, "+ACK")
}

// send sends an acknowledgement that the broker is to confirm. That it cannot be sent is no
// error: what is not confirmed is sent again.
func (l *lease) send(word, body string) {
	if l.subject != "" {
		_ = l.all.src.conn.PublishRequest(l.subject, l.all.src.inbox.reply(word, l.key), []byte(body))
	}
}

// Release lets the broker deliver the message again after delay. What has lapsed
// it has delivered again, or will: a nak would take it from its new holder. On
// error it does so when the ack wait is over. Nothing may follow a nak: an
// in-progress ack would make the broker wait for the whole ack wait.
func (l *lease) Release(delay time.Duration) error {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	before := l.state
	if before == acked || before == settled {
		return nil
	}
	l.forget()
	if before == lapsed || l.subject == "" {
		return nil
	}
	body := fmt.Appendf(nil, `-NAK {"delay": %d}`, max(delay, minDelay).Nanoseconds())
	if err := l.all.src.conn.Publish(l.subject, body); err != nil {
		m := l.message()
		return fmt.Errorf("release %s: %w", m.Place(), err)
	}
	return nil
}

// forget ends the lease. all.mu is held.
func (l *lease) forget() {
	l.state = settled
	delete(l.all.held, l.key)
	notify(l.all.change)
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
		return fmt.Errorf("reject %s: %w", m.Place(), err)
	}
	return l.Ack(nil)
}

// Lost is closed when the broker has been away for so long that another worker
// may have the message, or when another worker is pinned. An acknowledgement still
// counts.
func (l *lease) Lost() <-chan struct{} {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	return l.claim.lost
}

// extend sends what is due after age: an in-progress ack, or the acknowledgement once more.
// It reports whether that can never be confirmed.
func (l *lease) extend(age time.Duration) (unconfirmable bool) {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	silence := time.Since(l.extendedAt)
	switch {
	case l.state == acked && l.subject == "":
		return silence >= confirmTime
	case l.state == acked && silence >= min(age, confirmTime):
		l.sendAck()
	case l.state != acked && silence >= age && !l.given():
		if l.unconfirmedSince.IsZero() {
			l.unconfirmedSince = time.Now()
		}
		l.send(wpiWord, "+WPI")
	}
	return false
}

// extended notes that the broker has confirmed an in-progress ack. Which of several
// it was does not matter: the first is the safe guess.
func (l *lease) extended() {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	if l.state != acked && !l.unconfirmedSince.IsZero() {
		l.extendedAt, l.unconfirmedSince = l.unconfirmedSince, time.Time{}
	}
}

// given reports whether the message is left to the worker that is pinned now: the
// broker redelivers it unless it is acknowledged or released before. all.mu is held.
func (l *lease) given() bool { return l.all.src.pin.strict && l.state != acked && l.claim.ended() }

// lapse ends the lease if no acknowledgement was confirmed for age or longer.
func (l *lease) lapse(age time.Duration) {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	if l.state != leased || time.Since(l.extendedAt) < age {
		return
	}
	l.state = lapsed
	l.claim.end()
}

// redelivered notes that the broker has given us the message anew, because the
// ack wait was over or an acknowledgement was lost: it has a new address. all.mu is
// held.
func (l *lease) redelivered(subject string, claim *claim) {
	l.subject = subject
	if l.state == acked {
		l.sendAck()
		return
	}
	l.state, l.extendedAt, l.unconfirmedSince = leased, time.Now(), time.Time{}
	if l.all.src.pin.strict {
		l.claim = claim
	}
}

// finish ends the lease if it is acknowledged, and reports whether it was.
func (l *lease) finish() bool {
	l.all.mu.Lock()
	was := l.state == acked
	if was {
		l.forget()
	}
	l.all.mu.Unlock()
	if was {
		call(l.durable)
	}
	return was
}

func (l *lease) is(state leaseState) bool {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	return l.state == state
}

func call(f func()) {
	if f != nil {
		f()
	}
}
