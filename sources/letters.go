package sources

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// replayHeader carries the identity of a notification through the dead letters:
// it has another place when it is published again, but is the same, and is not
// shown twice.
const replayHeader = "x-replay-of"

// DeadLetter is a message among the dead letters.
type DeadLetter struct {
	// Message is the letter: its body and key are those of the original, its
	// headers tell what became of it, and its place is its own.
	Message
	// ID names it: what an operator writes to mean this one.
	ID string
	// Target is where the original was published.
	Target string
}

// Letters are the dead letters of one broker.
type Letters interface {
	// Each calls visit with every dead letter that is there at the call, the
	// older ones of one topic or stream first, until it returns an error.
	Each(ctx context.Context, visit func(*DeadLetter) error) error
	// Republish publishes the original again, where it was, and returns when
	// the broker has stored it.
	Republish(ctx context.Context, letter *DeadLetter) error
	// Delete removes a letter for good; ErrKept if the broker cannot.
	Delete(ctx context.Context, letter *DeadLetter) error
	// Close disconnects.
	Close() error
}

// ErrKept says that a broker cannot delete a single message.
var ErrKept = errors.New("the broker cannot delete a single message: it goes when its topic's retention says so")

// Reason says in a word why the original was given up.
func (l *DeadLetter) Reason() ReasonCode { return ReasonCode(l.Get("x-dlq-reason")) }

// Cause explains it to a person.
func (l *DeadLetter) Cause() string { return l.Get("x-dlq-error") }

// FailedAt is when the original was given up: the letter's own time if it does
// not tell.
func (l *DeadLetter) FailedAt() time.Time {
	if at, err := time.Parse(time.RFC3339Nano, l.Get("x-dlq-failed-at")); err == nil {
		return at
	}
	return l.Time
}

// OriginalHeaders are the headers to publish the original with: those that it
// had, and the identity of the place where it was.
func (l *DeadLetter) OriginalHeaders() []envelope.Header {
	headers := make([]envelope.Header, 0, len(l.Header)+1)
	for _, h := range l.Header {
		if !strings.HasPrefix(strings.ToLower(h.Key), "x-dlq-") {
			headers = append(headers, h)
		}
	}
	if l.Get(replayHeader) == "" { // else it has been here before
		headers = append(headers, envelope.Header{Key: replayHeader, Value: l.origin().identity()})
	}
	return headers
}

// origin is the place where the original was, or if the letter does not tell,
// the letter's own.
func (l *DeadLetter) origin() *Message {
	offset, err := strconv.ParseUint(l.Get("x-dlq-offset"), 10, 64)
	seen, late := time.Parse(time.RFC3339Nano, l.Get("x-dlq-first-seen"))
	if l.Get("x-dlq-source") == "" || err != nil || late != nil {
		return &l.Message
	}
	partition, _ := strconv.Atoi(l.Get("x-dlq-partition")) // NATS has none
	return &Message{
		Broker: l.Get("x-dlq-source"), Stream: l.Get("x-dlq-stream"), Topic: l.Get("x-dlq-topic"),
		Partition: partition, Offset: offset, Time: seen,
	}
}
