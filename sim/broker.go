package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// stored is a message in a broker.
type stored struct {
	number int // of its notification
	at     time.Time
	offset uint64
	body   string

	acked, buried atomic.Bool
}

// header carries the number of the notification to whoever renders it. People
// do not see it.
const header = "x-sim-number"

// broker is what the models have in common.
type broker struct {
	name    string
	see     *observer
	ordered bool // its messages must be shown in their order

	mu      sync.Mutex
	random  *rand.Rand
	changed chan struct{} // closed and replaced when there may be something to receive
	trouble trouble
}

// trouble is what does not work now.
type trouble struct {
	lostAcks int       // how many acknowledgements will be lost
	lateAcks time.Time // until when acknowledgements take long
	receive  time.Time // until when receiving fails
	bury     time.Time // until when dead letters cannot be written
	unsure   int       // how many dead letters will be written without a word
}

func newBroker(name string, see *observer, random *rand.Rand, ordered bool) broker {
	return broker{name: name, see: see, ordered: ordered, random: random, changed: make(chan struct{})}
}

// signal wakes whoever waits. b.mu is held.
func (b *broker) signal() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// upset changes what does not work, and has everybody look again.
func (b *broker) upset(change func(*trouble)) {
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

// bury is the part of Reject that writes the dead letter.
func (b *broker) bury(ctx context.Context, p *process, m *stored, reason sources.Reason) error {
	if !sleep(ctx, latency(p)) {
		return ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case p.isDead():
		return errGone
	case time.Now().Before(b.trouble.bury), !p.reaches().IsZero():
		return errBroker
	}
	m.buried.Store(true)
	b.see.buried(m, reason)
	if b.trouble.unsure > 0 {
		b.trouble.unsure--
		return errBroker
	}
	return nil
}

// size is how large it is for the worker.
func (m *stored) size() int {
	message := m.message("nats", "", 0, 1)
	return message.Size()
}

// message is what the worker gets of a stored one.
func (m *stored) message(kind, topic string, partition, attempt int) sources.Message {
	out := sources.Message{
		Raw:    envelope.Raw{Header: []envelope.Header{{Key: header, Value: fmt.Sprint(m.number)}}, Body: []byte(m.body)},
		Broker: kind, Topic: topic, Partition: partition, Offset: m.offset, Attempt: attempt, Time: m.at,
	}
	if kind == "nats" {
		out.Stream, out.Consumer = "SIM", "notifier"
	} else {
		out.Group = "notifier"
	}
	return out
}
