package jetstream

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

// The client library's Fetch is not used: it cannot ask for "what is there,
// else wait for the first" in one request; it subscribes anew for every
// request, and so loses what arrives after it was cancelled until the ack wait
// is over; and it takes a published message without a body but with a Status
// header for an answer of the broker.

const (
	// requestTime is how long the broker holds a request open. It bounds the
	// time that Close has to wait for it.
	requestTime = 500 * time.Millisecond
	// answerTime is how much later its answer may come.
	answerTime = 2 * time.Second
)

// pullRequest is the broker's JSON for "give me messages".
type pullRequest struct {
	Batch    int           `json:"batch"`
	MaxBytes int           `json:"max_bytes,omitempty"`
	Expires  time.Duration `json:"expires"`
	// NoWait together with Expires means: give what is there and end the
	// request; if nothing is there, wait for the first.
	NoWait bool `json:"no_wait,omitempty"`
	// Group and Pin are for a consumer that serves one worker at a time.
	Group string `json:"group,omitempty"`
	Pin   string `json:"id,omitempty"`
}

// request asks for messages within the limit, or for the next one alone if that
// is larger.
func (s *Source) request(limit sources.Limit) error {
	c := s.binding.bound
	r := pullRequest{
		Batch:    atMost(max(limit.Messages, 1), c.MaxRequestBatch),
		MaxBytes: cmp.Or(atMost(limit.Bytes, c.MaxRequestMaxBytes), c.MaxRequestMaxBytes),
		Expires:  atMost(requestTime, c.MaxRequestExpires),
	}
	s.pin.sign(&r)
	reply := s.inbox.begin(&r)
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	if err := s.conn.PublishRequest(s.requests(), reply, body); err != nil {
		s.inbox.fail(conn.ErrOffline)
		return fmt.Errorf("request messages: %w", err)
	}
	return nil
}

// requests is where to send requests for messages.
func (s *Source) requests() string {
	return s.settings.API() + "CONSUMER.MSG.NEXT." + s.cfg.Stream + "." + s.cfg.Consumer
}

// atMost is what is wanted within a limit, of which 0 is none.
func atMost[T cmp.Ordered](wanted, limit T) T {
	var none T
	if limit == none {
		return wanted
	}
	return min(wanted, limit)
}

// wrongPin is the status of a request with a pin that is no longer valid.
const wrongPin = "423"

// outcome reads the status with which the broker ends a request. Nil: it has
// merely run out of time or messages.
func outcome(m *client.Msg) error {
	status, description := m.Header.Get("Status"), m.Header.Get("Description")
	switch {
	case status == "404", status == "408", status == wrongPin, description == "Batch Completed":
		return nil
	case status == "503":
		return client.ErrNoResponders
	case description == "Message Size Exceeds MaxBytes":
		return errOversized
	case description == "Consumer Deleted":
		return jetstream.ErrConsumerDeleted
	case description == "Leadership Change":
		return jetstream.ErrConsumerLeadershipChanged
	}
	return fmt.Errorf("the broker ends a request for messages: %s %s", status, description)
}

// errOverdue is a request that nobody answered.
var errOverdue = errors.New("no answer to a request for messages; may the user publish to $JS.API.CONSUMER.MSG.NEXT.> and subscribe below NATS_INBOX_PREFIX?")

// errOversized says that the next message is larger than what was asked for.
var errOversized = errors.New("the next message exceeds max_bytes")
