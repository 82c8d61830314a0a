package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// stored is a message in a broker.
type stored struct {
	numbers []int // of its notifications
	at      time.Time
	offset  uint64
	body    string

	acked, deadLettered atomic.Bool
}

// String names the notifications.
func (m *stored) String() string {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(m.numbers), " ", ", "), "[]")
	if len(m.numbers) > 1 {
		return "notifications " + text
	}
	return "notification " + text
}

// broker is what the models have in common.
type broker struct {
	name    string
	obs     *observer
	habits  Broker
	ordered bool // its messages must be shown in their order

	mu      sync.Mutex
	random  *rand.Rand
	changed chan struct{} // closed and replaced when there may be something to receive
	trouble trouble
}

// trouble is what does not work now.
type trouble struct {
	lostAcks    int           // how many acknowledgements will be lost
	lateAcks    time.Time     // until when acknowledgements take long
	receive     time.Time     // until when receiving fails
	deadLetters time.Time     // until when dead letters cannot be written
	unconfirmed int           // how many dead letters will be written without a word
	ahead       time.Duration // by how much its clock differs since it was set
}

func newBroker(name string, obs *observer, random *rand.Rand, ordered bool, habits Broker) broker {
	return broker{name: name, obs: obs, habits: habits, ordered: ordered, random: random, changed: make(chan struct{})}
}

// clock is the broker's.
func (b *broker) clock() time.Time {
	return time.Now().Add(time.Duration(b.habits.Ahead) + b.trouble.ahead)
}

// signal wakes whoever waits. b.mu is held.
func (b *broker) signal() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// disturb changes what does not work, and has everybody look again.
func (b *broker) disturb(change func(*trouble)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.trouble)
	b.signal()
}

// latency is that of one exchange between a process and the broker.
func latency(p *process) time.Duration {
	return 100*time.Microsecond + p.below(4*time.Millisecond)
}

var (
	errBroker = errors.New("broker is not available")
	errGone   = errors.New("process is dead")
)

// writeDeadLetter is the part of Reject that writes the dead letter.
func (b *broker) writeDeadLetter(ctx context.Context, p *process, m *stored, reason sources.Reason) error {
	if !backoff.Wait(ctx, latency(p)) {
		return ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case p.isDead():
		return errGone
	case time.Now().Before(b.trouble.deadLetters), !p.reaches().IsZero():
		return errBroker
	}
	m.deadLettered.Store(true)
	b.obs.deadLettered(m, reason)
	if b.trouble.unconfirmed > 0 {
		b.trouble.unconfirmed--
		return errBroker
	}
	return nil
}

// ackDelay is how long an acknowledgement takes. b.mu is held.
func (b *broker) ackDelay(p *process) time.Duration {
	pause := latency(p)
	if b.habits.SlowAcks > 0 {
		pause += p.below(time.Duration(b.habits.SlowAcks))
	}
	if time.Now().Before(b.trouble.lateAcks) {
		pause += p.below(2 * time.Duration(b.habits.Wait))
	}
	return pause
}

// receive waits until take has something for a process. If it has nothing, take may
// say when to look again.
func (b *broker) receive(ctx context.Context, p *process, take func() ([]*sources.Delivery, time.Time)) ([]*sources.Delivery, error) {
	for {
		b.mu.Lock()
		changed := b.changed
		broken := time.Now().Before(b.trouble.receive)
		b.mu.Unlock()
		if !backoff.Wait(ctx, latency(p)) {
			return nil, ctx.Err()
		}
		if broken && !p.isDead() {
			return nil, errBroker
		}
		until := p.reaches()
		if until.IsZero() && !p.isDead() {
			var batch []*sources.Delivery
			if batch, until = take(); len(batch) > 0 {
				return batch, nil
			}
		}
		if !awaitContext(ctx, changed, until) {
			return nil, ctx.Err()
		}
	}
}

// awaitContext returns true when something has changed or at the time, if it is
// not zero; false when ctx ends.
func awaitContext(ctx context.Context, changed <-chan struct{}, until time.Time) bool {
	var alarm <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-changed:
		return true
	case <-alarm:
		return true
	case <-ctx.Done():
		return false
	}
}

// size is how large it is for the worker.
func (m *stored) size() int {
	message := m.message("nats", "", 0, 1)
	return message.Size()
}

// message is what the worker gets of a stored one.
func (m *stored) message(kind, topic string, partition, attempt int) sources.Message {
	out := sources.Message{
		Raw:    envelope.Raw{Body: []byte(m.body)},
		Broker: kind, Topic: topic, Partition: partition, Offset: m.offset, Attempt: attempt, Time: m.at,
	}
	if kind == "nats" {
		out.Stream, out.Consumer = "SIM", "notifier"
	} else {
		out.Group = "notifier"
	}
	return out
}
