package worker

import (
	"context"
	"sync/atomic"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// doubt bounds the notifications that are sent to the room, but not yet durably
// acknowledged. After a crash the brokers deliver these again, and the room
// must be able to tell which of them it has shown.
type doubt struct {
	limit func() int // what the room can tell; it may change
	turn  chan struct{}
	freed chan struct{} // some have left
	n     atomic.Int64
}

func newDoubt(limit func() int) *doubt {
	return &doubt{limit: limit, turn: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
}

// enter waits until n more notifications may be in doubt, unless the delivery is
// lost or ctx ends before. One delivery enters after the other, so that one of
// many notifications is not overtaken by small ones for ever. One of more than
// the limit enters alone.
func (d *doubt) enter(ctx context.Context, delivery *sources.Delivery, n int) bool {
	if !d.takeTurn(ctx, delivery) {
		return false
	}
	defer func() { <-d.turn }()
	for !d.fits(n) {
		select {
		case <-d.freed:
		case <-delivery.Lost():
			return false
		case <-ctx.Done():
			return false
		}
	}
	d.n.Add(int64(n))
	return true
}

// fits reports whether n more may enter. Nobody else does meanwhile.
func (d *doubt) fits(n int) bool {
	within := int(d.n.Load())
	return within == 0 || within+n <= d.limit()
}

func (d *doubt) leave(n int) {
	d.n.Add(-int64(n))
	select {
	case d.freed <- struct{}{}:
	default:
	}
}

// takeTurn waits for the turn to enter, unless the delivery is lost or ctx ends
// before.
func (d *doubt) takeTurn(ctx context.Context, delivery *sources.Delivery) bool {
	if lost(delivery) {
		return false
	}
	select {
	case d.turn <- struct{}{}:
		return true
	case <-delivery.Lost():
		return false
	case <-ctx.Done():
		return false
	}
}

// lost reports whether the broker wants the delivery back.
func lost(delivery *sources.Delivery) bool {
	select {
	case <-delivery.Lost():
		return true
	default:
		return false
	}
}
