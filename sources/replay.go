package sources

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// DeadLetter is a message among the dead letters.
type DeadLetter struct {
	// Message is the dead letter: its body and key are those of the original, its
	// headers tell what became of it, and its place is its own.
	Message
	// ID names it: what an operator writes to mean this one.
	ID string
	// Target is where the original was published.
	Target string
}

// DeadLetters are the dead letters of one broker.
type DeadLetters interface {
	// Owner is the durable consumer, queue or group of the source.
	Owner() string
	// Each calls visit with every dead letter that is there at the call, the
	// older ones of one topic or stream first, until it returns an error.
	Each(ctx context.Context, visit func(*DeadLetter) error) error
	// Republish publishes the original again, where it was, and returns when
	// the broker has stored it.
	Republish(ctx context.Context, letter *DeadLetter) error
	// MarkReplayed stores a dead letter with the headers of ReplayedHeaders beside it.
	MarkReplayed(ctx context.Context, letter *DeadLetter) error
	// Delete removes a dead letter for good; ErrKept if the broker cannot.
	Delete(ctx context.Context, letter *DeadLetter) error
	// Close disconnects.
	Close() error
}

// ErrKept says that a broker cannot delete a single message.
var ErrKept = errors.New("the broker cannot delete a single message: it goes when its topic's retention says so")

// Reason says in a word why the original was rejected.
func (l *DeadLetter) Reason() ReasonCode { return ReasonCode(l.Get("x-dlq-reason")) }

// Cause explains it to a person.
func (l *DeadLetter) Cause() string { return l.Get("x-dlq-error") }

// FailedAt is when the original was rejected: the dead letter's own time if it does
// not tell.
func (l *DeadLetter) FailedAt() time.Time {
	if at, err := time.Parse(time.RFC3339Nano, l.Get("x-dlq-failed-at")); err == nil {
		return at
	}
	return l.Time
}

// OriginalHeaders are the headers to publish the original with: those that it
// had, and its identity, which the worker believes only with its own proof.
func (l *DeadLetter) OriginalHeaders() []envelope.Header {
	headers := publishersHeaders(&l.Message)
	headers = append(headers, envelope.Header{Key: replayHeader, Value: l.originIdentity()})
	if proof := l.Get(proofHeader); proof != "" {
		headers = append(headers, envelope.Header{Key: replayProof, Value: proof})
	}
	return headers
}

// Whole is the dead letter as it would be if it had not been cut from the original.
func (l *DeadLetter) Whole(original envelope.Raw) envelope.Raw {
	theirs := publishersHeaders(&Message{Raw: original})
	for _, h := range l.Header {
		if IsDeadLetterHeader(h.Key) {
			theirs = append(theirs, h)
		}
	}
	return envelope.Raw{Header: theirs, Body: original.Body}
}

// IsReplayHeader reports whether a header of an original was added by
// OriginalHeaders.
func IsReplayHeader(key string) bool {
	key = strings.ToLower(key)
	return key == replayHeader || key == replayProof
}

// IsCut reports whether the dead letter has not all of the original.
func (l *DeadLetter) IsCut() bool { return l.Get(CutHeader) != "" }

// belongsTo reports whether the dead letter is of the source with that consumer, queue
// or group. One that does not tell is everybody's.
func (l *DeadLetter) belongsTo(owner string) bool {
	for _, key := range []string{"x-dlq-consumer", "x-dlq-group"} {
		if name := l.Get(key); name != "" && name != owner {
			return false
		}
	}
	return true
}

// originIdentity is the same for every dead letter of one message, however often it was
// replayed.
func (l *DeadLetter) originIdentity() string {
	if identity := l.Get(identityHeader); identity != "" {
		return identity
	}
	return l.origin().identity()
}

// origin is the place where the original was, or if the dead letter does not tell,
// the dead letter's own.
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
