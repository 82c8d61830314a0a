package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fault("enable it, or correct NATS_URL", "the server has no JetStream for this user")
	case errors.Is(err, context.DeadlineExceeded):
		return fault("may the user publish to $JS.API.> and subscribe below NATS_INBOX_PREFIX?", "look up consumer %q of stream %q: no answer", consumer, stream)
	}
	return fmt.Errorf("bind to consumer %q of stream %q: %w", consumer, stream, err)
}

func asErrors(faults []*check.Fault) []error {
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errs
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
