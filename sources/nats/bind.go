package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

const (
	// lookupTime limits a request about the consumer.
	lookupTime = 5 * time.Second
	// calmTime is how long nothing is asked for after the connection was lost. A
	// broker that was killed may not know any more what it had delivered, and
	// gives it to whoever asks first. By then those who hold it have
	// reconnected, and the room has shown it: so it is recognised.
	calmTime = 2 * time.Second
	// connectTime is how long Receive waits for the connection before it says
	// that there is none.
	connectTime = 2 * time.Second
)

// binding is what the source has to know of its consumer.
type binding struct {
	subject string // where to send requests for messages
	batch   int    // the most that one request may ask for; 0: no limit
	expires time.Duration
}

// bind looks the consumer up, unless that has been done.
func (s *Source) bind(ctx context.Context) error {
	if err := s.watch.online(ctx, s.conn); err != nil {
		return err
	}
	if err := s.calmDown(ctx); err != nil || s.bound != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	consumer, err := s.js.Consumer(ctx, s.cfg.Stream, s.cfg.Consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) && s.cfg.Create {
		consumer, err = s.js.CreateConsumer(ctx, s.cfg.Stream, s.cfg.durable())
	}
	if err != nil {
		return s.cfg.explain(err)
	}
	info := consumer.CachedInfo()
	s.warn(info.Config)
	s.leases.setWait(effectiveWait(info.Config))
	s.bound = newBinding(info)
	s.condition.well()
	s.condition.behind(info.NumPending)
	return nil
}

// calmDown waits until what happened before the connection was lost is over. It
// looks at the connection's own count, which is there before the connection:
// callbacks come later.
func (s *Source) calmDown(ctx context.Context) error {
	if links := s.conn.Stats().Reconnects + 1; links != s.links {
		if s.links > 0 {
			s.calm = time.Now().Add(calmTime)
		}
		s.links = links
	}
	left := time.Until(s.calm)
	if left <= 0 {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newBinding(info *jetstream.ConsumerInfo) *binding {
	b := &binding{
		subject: jetstream.DefaultAPIPrefix + "CONSUMER.MSG.NEXT." + info.Stream + "." + info.Name,
		batch:   info.Config.MaxRequestBatch,
		expires: requestTime,
	}
	if longest := info.Config.MaxRequestExpires; longest > 0 {
		b.expires = min(b.expires, longest)
	}
	return b
}

// explain says what the operator can do about err.
func (c Config) explain(err error) error {
	if _, explained := errors.AsType[*check.Fault](err); explained || errors.Is(err, nats.ErrPermissionViolation) {
		return denied(err)
	}
	stream, consumer := c.Stream, c.Consumer
	fault := func(cure, format string, args ...any) error {
		return &check.Fault{What: fmt.Sprintf(format, args...), Err: err, Cure: cure}
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

// warn tells of settings that defeat the promises, once.
func (s *Source) warn(c jetstream.ConsumerConfig) {
	var texts []string
	for _, flaw := range consumerFlaws(c) {
		texts = append(texts, flaw.Error())
	}
	warning := strings.Join(texts, "; ")
	if warning != "" && warning != s.warned {
		s.log.Warn("the consumer's settings defeat the delivery guarantee", "consumer", s.cfg.Consumer, "settings", warning)
	}
	s.warned = warning
}
