// Package worker carries notifications from sources into the room: receive,
// render, submit, settle. It is the only place that decides what happens to a
// delivery, and the only place that retries.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Room is what the worker needs of a sink.Room.
type Room interface {
	// Run keeps the room joined until ctx ends. Then it reports the messages
	// that are still in flight as dropped, and returns.
	Run(ctx context.Context) error
	// Joined waits until messages can be sent.
	Joined(ctx context.Context) error
	// Submit waits until one more message may be in flight. The message's Done is
	// called exactly once unless Submit returns an error.
	Submit(ctx context.Context, m sink.Message) error
	// HistoryDepth is how many of the messages that we posted last the room's
	// history shows to a worker that knows nothing.
	HistoryDepth() int
	// Yielded is how many messages the room has not shown for so long that others do
	// not wait for them any more.
	Yielded() int
	// AwaitProof is how many of them are given up only once the room shows a later one.
	AwaitProof() int
	// MaxMembers is how many notifications one message may show, 0 if the room cannot
	// tell a successor which they were.
	MaxMembers() int
	// HoldsDigests returns nil if a digest would be sent now, else a channel that is
	// closed when one would be.
	HoldsDigests() (until <-chan struct{})
}

// Config is what the operator says about the worker.
type Config struct {
	// Grace is how long a stop may take to finish what is in flight. The rest is
	// released.
	Grace time.Duration `envconfig:"SHUTDOWN_GRACE" default:"20s" desc:"How long a stop may take to finish the messages in flight; the rest is released to the brokers. Leaving the room and the brokers may take 10s more: the grace period of the container must be longer than both."`
}

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	if c.Grace < 0 {
		return []error{check.Faultf("must not be negative, like 20s", "SHUTDOWN_GRACE=%s", c.Grace)}
	}
	return nil
}

// closeTimeout bounds the disconnect from each broker, after the grace period.
const closeTimeout = 5 * time.Second

// Worker carries notifications from its sources into one room.
type Worker struct {
	Room    Room
	Sources []sources.Source
	// Decoder returns what makes notifications of messages now. Nil: the zero
	// Decoder does.
	Decoder func() envelope.Decoder
	// Signer proves the identity of notifications that are replayed. Nil: they have
	// none but their new place.
	Signer *sources.Signer
	// Posts say what becomes of notifications in the room.
	Posts Posts
	// Digests say when several deliveries become one message. Zero: never.
	Digests Digests
	// Corrections say which messages correct others. Zero: none.
	Corrections Corrections
	// MaxInFlight is how many messages may be in flight at once.
	MaxInFlight int
	// MaxPendingBytes is how large the pending messages of all sources may be
	// together. Each source has an equal share, which one message may exceed: a
	// source does not know how large the next one is. 0: no bound.
	MaxPendingBytes int
	Grace           time.Duration
	Log             *slog.Logger
	// Observe is told what happens. Nil: nobody is.
	Observe Observer

	state state
}

// Posts say what becomes of notifications in the room.
type Posts struct {
	// Filter says why a notification is not shown, "" if it is. Nil shows
	// everything. What is not shown is acknowledged.
	Filter func(*envelope.Envelope) string
	// Render makes the text that people read.
	Render func(envelope.Envelope) string
	// Payload makes the XML that goes with it, for programs. Nil: none.
	Payload func(envelope.Envelope) string
	// GroupAbove is how many notifications of one delivery become one message that
	// lists them: this many and more. 0: none.
	GroupAbove int
}

// state is what a Worker makes of its fields, and counts.
type state struct {
	prepared sync.Once
	unacked  *unacked
	pending  map[string]*pending      // by source
	gathered map[string]*atomic.Int64 // by source
	gate     *gate
	pace     pace
	totals   totals
}

// MaxPending is how many messages of one source may be pending: twice as many as
// may be in flight, so that one is ready to follow each, and a digest beside them.
func (w *Worker) MaxPending() int { return w.Digests.MaxPending(w.MaxInFlight) }

// Unacknowledged is how many notifications of a source are submitted to the room
// and not durably acknowledged.
func (w *Worker) Unacknowledged(source string) int {
	w.prepare()
	return w.state.unacked.of(source)
}

// decoder is the one to use now.
func (w *Worker) decoder() (d envelope.Decoder) {
	if w.Decoder != nil {
		d = w.Decoder()
	}
	return d
}

// Waiting is how many messages are not settled: those that are pending here, and as far as
// the sources know those in the brokers. The oldest is that of those here, which come first;
// zero if there are none.
func (w *Worker) Waiting() (messages int64, oldest time.Time) {
	w.prepare()
	for _, source := range w.Sources {
		pending := w.state.pending[source.String()]
		here, _ := pending.size()
		messages += int64(here) + lagOf(source)
		oldest = sooner(oldest, pending.oldest())
	}
	return messages, oldest
}

// Pending is how many messages of a source are received and not settled, and how
// large they are.
func (w *Worker) Pending(source string) (messages, bytes int) {
	w.prepare()
	return w.state.pending[source].size()
}

// Gathered is how many of the pending messages of a source wait to be shown together.
func (w *Worker) Gathered(source string) int {
	w.prepare()
	return int(w.state.gathered[source].Load())
}

// text is what people read of a notification, and the XML beside it.
func (p *Posts) text(e envelope.Envelope) (body, extra string) {
	if p.Payload != nil {
		extra = p.Payload(e)
	}
	return p.Render(e), extra
}

// prepare makes what depends on the fields.
func (w *Worker) prepare() {
	w.state.prepared.Do(func() {
		w.state.unacked = newUnacked(w.Room, w.Sources)
		w.state.pending = newPending(w.MaxPending(), w.MaxPendingBytes/max(1, len(w.Sources)), w.Room.Yielded, w.Sources)
		w.state.gate = newGate(w.Digests.DigestConfig)
		w.state.gathered = map[string]*atomic.Int64{}
		for _, source := range w.Sources {
			w.state.gathered[source.String()] = new(atomic.Int64)
		}
	})
}

// Run works until ctx ends, then stops in order: it receives nothing more,
// finishes what is in flight within the grace period, leaves the room, and
// releases the rest to the brokers.
func (w *Worker) Run(ctx context.Context) error {
	w.prepare()
	w.Log.Info("started", "room", w.Room, "sources", w.Sources)
	roomCtx, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	var room, loops sync.WaitGroup
	room.Go(func() {
		if err := w.Room.Run(roomCtx); err != nil {
			w.Log.Error("room failed", "error", err)
		}
	})
	for _, source := range w.Sources {
		loops.Go(func() { w.newSourceLoop(source).run(ctx) })
	}
	loops.Wait()
	leave()
	room.Wait()
	err := w.Close(context.WithoutCancel(ctx))
	w.Log.Info("stopped", w.state.totals.attrs()...)
	return err
}

// Close closes the sources of a worker that does not run: Run does it by itself.
func (w *Worker) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	errs := make([]error, len(w.Sources))
	var closing sync.WaitGroup
	for i, source := range w.Sources {
		closing.Go(func() { errs[i] = source.Close(ctx) })
	}
	closing.Wait()
	return errors.Join(errs...)
}
