package sources

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// Delivery is a notification on loan from a source, until one of Ack, Release
// and Reject succeeds. Further calls do nothing and return nil.
type Delivery struct {
	Message
	// Envelope is the decoded notification; meaningless if Malformed is set.
	Envelope envelope.Envelope
	// Malformed says why the message does not decode. Such a delivery can
	// only be rejected.
	Malformed error

	settler Settler
	state   atomic.Int32
}

const (
	onLoan int32 = iota
	settling
	settled
)

// errSettling reports two verbs at the same time on one delivery.
var errSettling = errors.New("delivery is being settled by another call")

// NewDelivery decodes m and lends it out; s takes it back.
func NewDelivery(m Message, s Settler) *Delivery {
	d := &Delivery{Message: m, settler: s}
	d.Envelope, d.Malformed = envelope.Decode(m.Raw)
	return d
}

// Identity names the notification: equal for all copies of it, wherever they
// come from. It is the publisher's source and id where there is an id
// (CloudEvents requires source+id to be unique), else the place in the broker.
func (d *Delivery) Identity() string {
	if d.Envelope.ID != "" {
		return join("id", d.Envelope.Source, d.Envelope.ID)
	}
	return d.identity()
}

// Ack tells the broker that the notification has been delivered. durable is
// called once when a crash would no longer bring it back; see Settler.
func (d *Delivery) Ack(durable func()) error {
	return d.settle(func() error { return d.settler.Ack(durable) })
}

// Release gives the delivery back to the broker, for another try after delay.
func (d *Delivery) Release(delay time.Duration) error {
	return d.settle(func() error { return d.settler.Release(delay) })
}

// Reject moves the message to the dead letters and acknowledges it.
func (d *Delivery) Reject(ctx context.Context, reason Reason) error {
	return d.settle(func() error { return d.settler.Reject(ctx, reason) })
}

// Lost is closed when the delivery belongs to somebody else. Nil: never.
func (d *Delivery) Lost() <-chan struct{} { return d.settler.Lost() }

func (d *Delivery) settle(verb func() error) error {
	if !d.state.CompareAndSwap(onLoan, settling) {
		if d.state.Load() == settled {
			return nil
		}
		return errSettling
	}
	if err := verb(); err != nil {
		d.state.Store(onLoan)
		return err
	}
	d.state.Store(settled)
	return nil
}
