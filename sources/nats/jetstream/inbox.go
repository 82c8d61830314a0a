package jetstream

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/header"
)

// The words that tell the subjects to which the broker replies.
const (
	ackWord     = "ack" // to the acknowledgement of the lease with a key
	wpiWord     = "wpi" // to an in-progress ack of that
	pinWord     = "pin" // to a request that only keeps a pin
	requestWord = "get" // to the request for messages with a number
)

// inbox takes in what the broker sends, on the client's own goroutine, so that
// everything is leased from the moment it arrives. At most one request is open
// at a time: what waits here was asked for.
type inbox struct {
	src    *Source
	prefix string        // of the subjects to which the broker replies
	wake   chan struct{} // the first message has come, or the request has ended

	mu      sync.Mutex
	ready   []*lease
	stopped bool     // nobody receives: what arrives is released
	number  int      // of the last request
	request *request // nil: none is open
	err     error    // why the last one ended before its time
	patient bool     // the next one is without no_wait, which some states of the consumer answer at once
	large   bool     // the next message is larger than what was asked for: it is asked for alone
}

// request is the one that is open.
type request struct {
	reply     string
	pin       string // that it names
	left, got int    // messages
	begun     time.Time
	expires   time.Duration
}

func newInbox(src *Source) *inbox {
	return &inbox{src: src, wake: make(chan struct{}, 1)}
}

// reply is where the broker replies to what has that name.
func (in *inbox) reply(word, name string) string { return in.prefix + word + "-" + name }

// begin notes a new request, makes it fit to how the last one ended, and tells where
// its answers shall go.
func (in *inbox) begin(r *pullRequest) (reply string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.large {
		r.Batch, r.MaxBytes, in.large = 1, 0, false
	}
	r.NoWait = !in.patient && !in.src.pin.strict // those who stand by have requests open, too
	in.number++
	reply = in.reply(requestWord, strconv.Itoa(in.number))
	in.request = &request{reply: reply, pin: r.Pin, left: r.Batch, begun: time.Now(), expires: r.Expires}
	in.err = nil
	return reply
}

// handle takes one message from the client.
func (in *inbox) handle(m *client.Msg) {
	if strings.HasPrefix(m.Reply, "$JS.ACK.") {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.arrived(m)
		return
	}
	switch word, name, _ := strings.Cut(strings.TrimPrefix(m.Subject, in.prefix), "-"); word {
	case ackWord, wpiWord:
		if m.Header.Get("Status") == "" { // else nobody is there to confirm
			in.src.leases.confirmed(word, name)
		}
	case pinWord:
		in.answered(name, m)
	case requestWord:
		in.ended(m)
	}
}

// answered takes the broker's answer to a request that named a pin.
func (in *inbox) answered(pin string, m *client.Msg) {
	if in.src.pin.answered(pin, m) {
		in.src.log.Info("another worker is pinned: this one finishes what it has sent, and stands by")
		in.src.leases.extendNow()
	}
}

// ended takes the status with which the broker ends a request.
func (in *inbox) ended(m *client.Msg) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if r := in.request; r != nil && m.Subject == r.reply && m.Header.Get("Status") != "100" {
		in.answered(r.pin, m)
		in.end(outcome(m))
	}
}

// arrived takes a message of the consumer.
func (in *inbox) arrived(m *client.Msg) {
	switch l := in.src.leases.add(m); {
	case l == nil:
	case isMarker(m):
		_ = l.Ack(nil)
	default:
		in.ready = append(in.ready, l)
	}
	r := in.request
	switch {
	case r == nil && in.stopped:
		in.release()
		return
	case r != nil:
		r.got, r.left = r.got+1, r.left-1
		if r.left <= 0 {
			in.end(nil)
			return
		}
	}
	if len(in.ready) == 1 {
		notify(in.wake)
	}
}

// isMarker reports whether the server has put m into the stream to say that the last
// message of its subject has expired or was deleted. It is no notification.
func isMarker(m *client.Msg) bool {
	return len(m.Data) == 0 && m.Header.Get(jetstream.MarkerReasonHeader) != ""
}

// end closes the request. One that ended with nothing long before its time
// must not be repeated in a hot loop.
func (in *inbox) end(err error) {
	r := in.request
	if errors.Is(err, errOversized) {
		in.large, err = r.got == 0, nil // behind others it may fit into the next request
	}
	if errors.Is(err, jetstream.ErrConsumerLeadershipChanged) {
		in.src.leases.extendNow() // what the old leader was told last may be lost
	}
	in.request, in.err = nil, err
	in.patient = r.got == 0 && !in.large && time.Since(r.begun) < r.expires/2
	if in.stopped {
		in.release()
	}
	notify(in.wake)
}

// fail ends the request, if one is open, that the broker will not answer.
func (in *inbox) fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.request != nil {
		in.end(err)
	}
}

// release releases what nobody has taken.
func (in *inbox) release() {
	for _, l := range in.ready {
		_ = l.Release(0)
	}
	in.ready = nil
}

// giveBack releases what nobody has taken when the consumer may have another leader,
// which may not know that it is here, and would give it to another worker just when this
// one goes on. In strict order there is no other.
func (in *inbox) giveBack() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.src.pin.strict {
		in.release()
	}
}

// stop releases what is here and what still arrives, but not into our own open
// request.
func (in *inbox) stop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stopped = true
	if in.request == nil {
		in.release()
	}
}

// take returns the oldest messages, up to limit.
func (in *inbox) take(limit sources.Limit) []*lease {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.src.pin.inOrder() {
		return nil
	}
	return sources.Take(limit, &in.ready, func(l *lease) int { return header.Size(l.msg) })
}

// wait blocks until a message is there or the request has ended. A request
// that goes on after its first message does so in the background: the worker
// is busy meanwhile, and the next call takes what came.
func (in *inbox) wait(ctx context.Context) error {
	return in.await(ctx, func() bool { return len(in.ready) > 0 && in.src.pin.inOrder() })
}

// settle waits until no request is open.
func (in *inbox) settle(ctx context.Context) {
	_ = in.await(ctx, func() bool { return false }) // whatever it brought is released
}

// await blocks until done, or the request has ended, and tells why if that was before
// its time.
func (in *inbox) await(ctx context.Context, done func() bool) error {
	timer := time.NewTimer(time.Until(in.answerBy()))
	defer timer.Stop()
	for {
		if over, err := in.state(done); over {
			return err
		}
		select {
		case <-in.wake:
		case <-ctx.Done():
			return nil
		case <-timer.C:
			in.fail(errOverdue)
		}
	}
}

func (in *inbox) state(done func() bool) (over bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if done() {
		return true, nil
	}
	return in.request == nil, in.err
}

// answerBy is when the request must have been answered.
func (in *inbox) answerBy() (end time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.request != nil {
		end = in.request.begun.Add(in.request.expires + answerTime)
	}
	return end
}

func (in *inbox) isOpen() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.request != nil
}

// sort puts what is here in the order of the stream.
func (in *inbox) sort() {
	in.mu.Lock()
	defer in.mu.Unlock()
	slices.SortFunc(in.ready, func(a, b *lease) int { return cmp.Compare(a.meta.Sequence.Stream, b.meta.Sequence.Stream) })
}

// releaseLost releases what is lost before it was handed over.
func (in *inbox) releaseLost() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ready = slices.DeleteFunc(in.ready, func(l *lease) bool {
		select {
		case <-l.Lost():
			_ = l.Release(0) // what fails comes again as well, only later
			return true
		default:
			return false
		}
	})
}
