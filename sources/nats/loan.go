package nats

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// loans are the messages of a Core that are out.
type loans struct {
	core *Core

	mu    sync.Mutex
	out   map[*loan]bool
	count uint64
	lost  int // sent away without an answer
}

func newLoans(c *Core) *loans { return &loans{core: c, out: map[*loan]bool{}} }

// loan is one message: the settler of its delivery.
type loan struct {
	all     *loans
	message sources.Message
	reply   string // where its publisher waits for an answer, or ""
	id      string // the publisher's, or ""
	once    sync.Once
}

var _ sources.Settler = (*loan)(nil)

func (all *loans) add(m *nats.Msg) *loan {
	l := &loan{all: all, reply: all.core.cfg.answerable(m), message: sources.Message{
		Raw:     envelope.Raw{Header: flatten(m.Header), Body: m.Data},
		Broker:  "nats-core",
		Topic:   m.Subject,
		Attempt: 1,
		Time:    time.Now(),
		Serial:  nuid.Next(),
	}}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.count++
	l.message.Offset = all.count
	all.out[l] = true
	return l
}

// lend makes deliveries of messages.
func (all *loans) lend(batch []*nats.Msg) []*sources.Delivery {
	list := make([]*sources.Delivery, len(batch))
	for i, m := range batch {
		l := all.add(m)
		list[i] = sources.NewDelivery(l.message, l)
		l.id = list[i].Envelope.ID
	}
	return list
}

// refuse sends m away before anybody has seen it.
func (all *loans) refuse(m *nats.Msg) { _ = all.add(m).Release(0) }

// releaseAll sends everything away that is out, and returns how much was lost
// without an answer since the start.
func (all *loans) releaseAll() (lost int) {
	all.mu.Lock()
	list := make([]*loan, 0, len(all.out))
	for l := range all.out {
		list = append(list, l)
	}
	all.mu.Unlock()
	for _, l := range list {
		_ = l.Release(0)
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.lost
}

// Ack answers "delivered". No crash can bring the message back.
func (l *loan) Ack(durable func()) error {
	l.settle(answer{Status: delivered})
	call(durable)
	return nil
}

// Release answers "retry": the broker has no place to give it back to.
func (l *loan) Release(time.Duration) error {
	l.settle(answer{Status: tryAgain})
	return nil
}

// Reject writes the dead letter and answers "rejected".
func (l *loan) Reject(ctx context.Context, reason sources.Reason) error {
	a := answer{Status: rejected, Reason: string(reason.Code)}
	if reason.Err != nil {
		a.Error = clip(reason.Err.Error())
	}
	if !l.all.core.cfg.DropRejected {
		if err := bury(ctx, l.all.core.js, l.all.core.common.DLQSubject, &l.message, reason); err != nil {
			return fmt.Errorf("reject %s: %w", l.message.Place(), err)
		}
	}
	l.settle(a)
	return nil
}

// Lost is nil: the broker has forgotten the message, nobody else can get it.
func (l *loan) Lost() <-chan struct{} { return nil }

// settle ends the loan with an answer to the publisher, if it wants one.
func (l *loan) settle(a answer) {
	l.once.Do(func() {
		a.ID = l.id
		answered := l.all.core.answer(l.reply, a)
		l.all.mu.Lock()
		defer l.all.mu.Unlock()
		delete(l.all.out, l)
		if a.Status == tryAgain && !answered {
			l.all.lost++
		}
	})
}
