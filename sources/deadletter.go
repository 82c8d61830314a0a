package sources

import (
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// Reason says why a notification can never be delivered.
type Reason struct {
	// Code is a word for machines.
	Code ReasonCode
	// Err explains it to a person.
	Err error

	// What Delivery.Reject adds: the identity of the place, and the proof of it.
	identity, proof string
}

// ReasonCode is the value of the header x-dlq-reason.
type ReasonCode string

// The reasons for a dead letter.
const (
	ReasonDecode   ReasonCode = "decode"    // the message does not decode
	ReasonRejected ReasonCode = "rejected"  // the room refused the message
	ReasonRetries  ReasonCode = "retries"   // delivered too often without success
	ReasonTooLarge ReasonCode = "too_large" // larger than the worker may hold
	// ReasonReplayed marks the dead letters up to its place as replayed: it is none
	// itself. See Outstanding.
	ReasonReplayed ReasonCode = "replayed"
)

// The headers that carry an identity through the dead letters.
const (
	identityHeader = "x-dlq-identity"
	proofHeader    = "x-dlq-proof"
	replayHeader   = "x-replay-of"
	replayProof    = "x-replay-proof"
)

// maxErrorText keeps a dead letter, and the answer to a publisher, small.
const maxErrorText = 1024

// DeadLetterHeaders returns m's own headers followed by the x-dlq-* headers
// that tell where it was, why and when it was rejected. Headers of an earlier
// round through the dead letters are replaced. Empty values are left out.
func DeadLetterHeaders(m *Message, reason Reason, now time.Time) []envelope.Header {
	headers := publishersHeaders(m)
	add := func(key, value string) {
		if value != "" {
			headers = append(headers, envelope.Header{Key: key, Value: value})
		}
	}
	add("x-dlq-reason", string(reason.Code))
	add("x-dlq-error", reason.Text())
	add("x-dlq-source", m.Broker)
	add("x-dlq-topic", m.Topic)
	add("x-dlq-stream", m.Stream)
	add("x-dlq-consumer", m.Consumer)
	add("x-dlq-group", m.Group)
	if m.Broker == "kafka" {
		add("x-dlq-partition", strconv.Itoa(m.Partition))
	}
	add("x-dlq-offset", strconv.FormatUint(m.Offset, 10))
	add("x-dlq-attempts", strconv.Itoa(m.Attempt))
	if !m.Time.IsZero() {
		add("x-dlq-first-seen", m.Time.UTC().Format(time.RFC3339Nano))
	}
	add("x-dlq-failed-at", now.UTC().Format(time.RFC3339Nano))
	add(identityHeader, reason.identity)
	add(proofHeader, reason.proof)
	return headers
}

// IsDeadLetterHeader reports whether a header is one of those that DeadLetterHeaders adds.
func IsDeadLetterHeader(key string) bool { return strings.HasPrefix(strings.ToLower(key), "x-dlq-") }

// publishersHeaders are those of m that are none of ours.
func publishersHeaders(m *Message) []envelope.Header {
	headers := make([]envelope.Header, 0, len(m.Header)+14)
	for _, h := range m.Header {
		if !IsDeadLetterHeader(h.Key) && !IsReplayHeader(h.Key) {
			headers = append(headers, h)
		}
	}
	return headers
}

// Text is the error as one line of valid UTF-8 that no header parser trips on.
func (r Reason) Text() string {
	if r.Err == nil {
		return ""
	}
	text := strings.Join(strings.Fields(strings.ToValidUTF8(r.Err.Error(), "\uFFFD")), " ")
	return text[:cut.At(text, maxErrorText)]
}
