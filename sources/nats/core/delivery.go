package core

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/deadletter"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/header"
)

// outstanding are the deliveries that are not settled.
type outstanding struct {
	src *Source

	mu    sync.Mutex
	set   map[*delivery]bool
	count uint64 // all that were received
	lost  int    // released without an answer
}

func newOutstanding(src *Source) *outstanding {
	return &outstanding{src: src, set: map[*delivery]bool{}}
}

// delivery is one message: the settler of its [sources.Delivery].
type delivery struct {
	all   *outstanding
	out   sources.Delivery
	reply string // where its publisher waits for an answer, or ""
	once  sync.Once
}

var _ sources.Settler = (*delivery)(nil)

func (all *outstanding) add(m *client.Msg) *delivery {
	d := &delivery{all: all, reply: all.src.replySubject(m)}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.count++
	all.set[d] = true
	d.out.Init(sources.Message{
		Raw:     envelope.Raw{Header: header.List(m.Header), Body: m.Data},
		Broker:  "nats-core",
		Topic:   m.Subject,
		Group:   all.src.cfg.Queue,
		Offset:  all.count,
		Attempt: 1,
		Time:    time.Now(),
		Serial:  nuid.Next(),
	}, d)
	return d
}

// deliver makes deliveries of messages.
func (all *outstanding) deliver(batch []*client.Msg) []*sources.Delivery {
	list := make([]*sources.Delivery, len(batch))
	for i, m := range batch {
		list[i] = &all.add(m).out
	}
	return list
}

// refuse releases m before anybody has seen it.
func (all *outstanding) refuse(m *client.Msg) { _ = all.add(m).Release(0) }

// releaseAll releases everything, and returns how much was lost without an
// answer since the start.
func (all *outstanding) releaseAll() (lost int) {
	all.mu.Lock()
	list := slices.Collect(maps.Keys(all.set))
	all.mu.Unlock()
	for _, d := range list {
		_ = d.Release(0)
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.lost
}

// Ack answers "delivered". No crash can bring the message back.
func (d *delivery) Ack(durable func()) error {
	d.settle(answer{Status: delivered})
	if durable != nil {
		durable()
	}
	return nil
}

// Release answers "retry": the broker has no place to give it back to.
func (d *delivery) Release(time.Duration) error {
	d.settle(answer{Status: tryAgain})
	return nil
}

// Reject writes the dead letter and answers "rejected".
func (d *delivery) Reject(ctx context.Context, reason sources.Reason) error {
	src := d.all.src
	a := answer{Status: rejected, Reason: string(reason.Code), Error: reason.Text()}
	if !src.cfg.DropRejected {
		if err := deadletter.Write(ctx, src.conn, src.settings.DLQSubject, &d.out.Message, reason); err != nil {
			return fmt.Errorf("reject %s: %w", d.out.Place(), err)
		}
	}
	d.settle(a)
	return nil
}

// Lost is nil: the broker has forgotten the message, nobody else can get it.
func (d *delivery) Lost() <-chan struct{} { return nil }

// settle ends the delivery with an answer to the publisher, if it wants one.
func (d *delivery) settle(a answer) {
	d.once.Do(func() {
		a.ID = d.out.Envelope.ID // the publisher's, if there is one and the message was decoded
		answered := d.all.src.answer(d.reply, a)
		d.all.mu.Lock()
		defer d.all.mu.Unlock()
		delete(d.all.set, d)
		if a.Status == tryAgain && !answered {
			d.all.lost++
		}
	})
}
