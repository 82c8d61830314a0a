package jetstream

import (
	"context"
	"errors"
	"fmt"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

// Explain says what the operator can do about an error of the broker.
func (c Config) Explain(err error) error {
	if _, explained := errors.AsType[*check.Fault](err); explained || errors.Is(err, client.ErrPermissionViolation) {
		return conn.Denied(err)
	}
	stream, consumer := c.Stream, c.Consumer
	fault := func(fix, format string, args ...any) error {
		return &check.Fault{What: fmt.Sprintf(format, args...), Err: err, Fix: fix}
	}
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fault("run xmpp-notifier init --create, or correct NATS_STREAM", "stream %q does not exist", stream)
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return fault("run xmpp-notifier init, correct NATS_CONSUMER, or set NATS_CREATE=true", "stream %q has no consumer %q", stream, consumer)
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		return fault("name a pull consumer in NATS_CONSUMER", "consumer %q of stream %q pushes", consumer, stream)
	case isConflict(err):
		return fault("set NATS_SUBJECTS to subjects that no other consumer reads, or NATS_CONSUMER to the consumer there is", "stream %q is a work queue, and another consumer reads the same subjects", stream)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fault("enable it, or correct NATS_URL", "the server has no JetStream for this user")
	case errors.Is(err, client.ErrNoResponders):
		return fault("start JetStream, or correct NATS_URL, NATS_DOMAIN or NATS_API_PREFIX", "look up consumer %q of stream %q: nobody answers", consumer, stream)
	case errors.Is(err, context.DeadlineExceeded):
		return fault("may the user publish to $JS.API.> and subscribe below NATS_INBOX_PREFIX?", "look up consumer %q of stream %q: no answer", consumer, stream)
	}
	if fix := conn.LimitFix(err); fix != "" {
		return fault(fix, "bind to consumer %q of stream %q", consumer, stream)
	}
	return fmt.Errorf("bind to consumer %q of stream %q: %w", consumer, stream, err)
}

// The broker's answers to a consumer that a work queue does not take.
const (
	secondOnQueue         jetstream.ErrorCode = 10099
	secondOnQueueFiltered jetstream.ErrorCode = 10100
)

func isConflict(err error) bool {
	refused, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (refused.ErrorCode == secondOnQueue || refused.ErrorCode == secondOnQueueFiltered)
}
