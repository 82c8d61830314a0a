package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/header"
)

// inbox takes in what the broker sends, on the client's own goroutine, so that
// everything is leased from the moment it arrives. At most one request is open
// at a time: what waits here was asked for.
type inbox struct {
	leases *leases
	prefix string        // of the subjects to which the broker replies
	wake   chan struct{} // the first message has come, or the request has ended

	mu      sync.Mutex
	ready   []*lease
	stopped bool // nobody receives: what arrives is released

	// The request.
	open    bool
	number  int
	reply   string
	pin     string // that it names
	left    int    // messages still to come
	got     int
	begun   time.Time
	expires time.Duration
	err     error // why it ended before its time
	patient bool  // without no_wait, which some states of the consumer answer at once
	large   bool  // the next message is larger than what was asked for
}

func newInbox(l *leases) *inbox {
	return &inbox{leases: l, wake: make(chan struct{}, 1)}
}

// begin notes a new request and tells where its answers shall go, and whether
// it must not ask for what is there.
func (in *inbox) begin(r *pullRequest) (reply string, patient bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.number++
	in.reply = in.prefix + strconv.Itoa(in.number)
	in.open, in.err = true, nil
	in.left, in.got, in.pin = r.Batch, 0, r.Pin
	in.begun, in.expires = time.Now(), r.Expires
	return in.reply, in.patient
}

// confirmed begins the last word of the subjects to which the broker confirms
// acknowledgements. The requests' are numbers.
const confirmed = "ack"

// pinWord begins the last word of the subject to which the broker answers what only
// keeps the pin.
const pinWord = "pin"

// extended begins the last word of the subjects to which the broker confirms
// in-progress acks.
const extended = "wpi"

// progress is where the broker confirms an in-progress ack that is sent now.
func (in *inbox) progress(number uint64) string {
	return fmt.Sprintf("%s%s%d_%d", in.prefix, extended, number, time.Since(in.leases.begun))
}

// confirmation is where the broker confirms the acknowledgement of a lease.
func (in *inbox) confirmation(number uint64) string {
	return in.prefix + confirmed + strconv.FormatUint(number, 10)
}

// handle takes one message from the client.
func (in *inbox) handle(m *client.Msg) {
	if in.confirms(m) {
		return
	}
	if pin, ok := strings.CutPrefix(m.Subject, in.prefix+pinWord); ok {
		in.answered(pin, m)
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case m.Reply == "":
		if in.open && m.Subject == in.reply && m.Header.Get("Status") != "100" {
			in.answered(in.pin, m)
			in.end(outcome(m))
		}
	case strings.HasPrefix(m.Reply, "$JS.ACK."): // else it is not from a consumer
		in.arrived(m)
	}
}

// confirms takes the broker's answer to what it was told of a lease, and reports
// whether it is one.
func (in *inbox) confirms(m *client.Msg) bool {
	ack, isAck := strings.CutPrefix(m.Subject, in.prefix+confirmed)
	extension, isExtension := strings.CutPrefix(m.Subject, in.prefix+extended)
	if m.Header.Get("Status") != "" { // nobody is there to confirm
		return isAck || isExtension
	}
	switch {
	case isAck:
		if number, err := strconv.ParseUint(ack, 10, 64); err == nil {
			in.leases.confirmed(number)
		}
	case isExtension:
		if number, sent, ok := parseProgress(extension); ok {
			in.leases.extended(number, sent)
		}
	}
	return isAck || isExtension
}

// parseProgress reads which lease was extended by an in-progress ack, and when that was
// sent.
func parseProgress(text string) (number uint64, sent time.Duration, ok bool) {
	first, second, _ := strings.Cut(text, "_")
	number, wrong := strconv.ParseUint(first, 10, 64)
	nanoseconds, bad := strconv.ParseInt(second, 10, 64)
	return number, time.Duration(nanoseconds), wrong == nil && bad == nil
}

// answered takes the broker's answer to a request that named a pin.
func (in *inbox) answered(pin string, m *client.Msg) {
	if in.leases.src.pin.answered(pin, m) {
		in.leases.src.log.Info("another worker is pinned: this one finishes what it has sent, and stands by")
		in.leases.extendNow()
	}
}

// arrived takes a message of the consumer.
func (in *inbox) arrived(m *client.Msg) {
	switch l := in.leases.add(m); {
	case l == nil:
	case isMarker(m):
		_ = l.Ack(nil)
	default:
		in.ready = append(in.ready, l)
	}
	in.got++
	in.left--
	switch {
	case in.open && in.left <= 0:
		in.end(nil)
	case in.stopped && !in.open:
		in.release()
	case len(in.ready) == 1:
		in.signal()
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
	if errors.Is(err, errOversized) {
		in.large, err = in.got == 0, nil // behind others it may fit into the next request
	}
	if errors.Is(err, jetstream.ErrConsumerLeadershipChanged) {
		in.leases.extendNow() // what the old leader was told last may be lost
	}
	in.open, in.err = false, err
	in.patient = in.got == 0 && !in.large && time.Since(in.begun) < in.expires/2
	if in.stopped {
		in.release()
	}
	in.signal()
}

func (in *inbox) signal() { notify(in.wake) }

// release releases what nobody has taken.
func (in *inbox) release() {
	for _, l := range in.ready {
		_ = l.Release(0)
	}
	in.ready = nil
}

// stop releases what is here and what still arrives, but not into our own open
// request.
func (in *inbox) stop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stopped = true
	if !in.open {
		in.release()
	}
}

// settle waits until no request is open.
func (in *inbox) settle(ctx context.Context) {
	timer := time.NewTimer(time.Until(in.answerBy()))
	defer timer.Stop()
	for in.isOpen() {
		select {
		case <-in.wake:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// takeOversized reports, once, that the next message is larger than what was
// asked for.
func (in *inbox) takeOversized() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	large := in.large
	in.large = false
	return large
}

// take returns the oldest messages, up to limit.
func (in *inbox) take(limit sources.Limit) []*lease {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.leases.src.pin.inOrder() {
		return nil
	}
	n := 0
	for bytes := 0; n < len(in.ready); n++ {
		size := header.Size(in.ready[n].msg)
		if !limit.Fits(n, bytes, size) {
			break
		}
		bytes += size
	}
	batch := slices.Clone(in.ready[:n])
	in.ready = slices.Delete(in.ready, 0, n)
	return batch
}

func (in *inbox) isOpen() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.open
}

func (in *inbox) state() (count int, open bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if count = len(in.ready); !in.leases.src.pin.inOrder() {
		count = 0 // none that may be handed over
	}
	return count, in.open, in.err
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
		lost := l.isLost()
		if lost {
			_ = l.Release(0) // what fails comes again as well, only later
		}
		return lost
	})
}

// answerBy is when the request must have been answered.
func (in *inbox) answerBy() time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.begun.Add(in.expires + answerTime)
}

// overdue ends a request that was not answered.
func (in *inbox) overdue() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.open {
		in.end(errOverdue)
	}
}

// disconnected ends the request: the broker has forgotten it.
func (in *inbox) disconnected() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.open {
		in.end(conn.ErrOffline)
	}
}
