package jetstream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
)

const (
	// lookupTime limits a request about the consumer.
	lookupTime = 5 * time.Second
	// changePause is how long nothing is asked for after the connection was lost, or
	// the consumer has another leader. That one may not know what the one before had
	// delivered, and gives it to whoever asks first. By then those who hold it
	// have reconnected, and the room has shown it: so it is recognised.
	changePause = 2 * time.Second
	// electedSubject begins the subjects to which a cluster tells of that.
	electedSubject = "$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED."
)

// binder keeps what the source has to know of its consumer. It belongs to Receive.
type binder struct {
	bound   *jetstream.ConsumerConfig // nil: look the consumer up
	changes uint64                    // connections and elections so far
	pause   time.Time                 // until then nothing is asked for
	warning string                    // the last one about the consumer
}

// bind looks the consumer up, unless that has been done.
func (s *Source) bind(ctx context.Context) error {
	if err := s.conn.Online(ctx); err != nil {
		return err
	}
	if err := s.waitAfterChange(ctx); err != nil || s.binding.bound != nil {
		return err
	}
	info, err := s.lookUp(ctx, s.cfg.Create)
	if err != nil {
		return err
	}
	if err := s.cfg.unusable(info.Config); err != nil {
		return err
	}
	s.pin.bind(info.Config)
	s.warn(info.Config)
	s.binding.bound = &info.Config
	s.health.Receiving()
	return nil
}

// lookUp asks the broker for the consumer, and creates one that is missing if it
// shall. It notes what concerns all that is held.
func (s *Source) lookUp(ctx context.Context, create bool) (*jetstream.ConsumerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	consumer, err := s.conn.JS.Consumer(ctx, s.cfg.Stream, s.cfg.Consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) && create {
		consumer, err = s.conn.JS.CreateConsumer(ctx, s.cfg.Stream, s.cfg.Durable())
	}
	if err != nil {
		return nil, s.cfg.Explain(err)
	}
	info := consumer.CachedInfo()
	s.leases.bind(info.Created, effectiveWait(info.Config))
	s.health.SetLag(info.NumPending)
	return info, nil
}

// lookAtBodies releases messages whose bodies the broker keeps to itself, if the consumer
// has become unusable since it was looked up: headers_only was switched on. A publisher may
// have set that header, too.
func (s *Source) lookAtBodies(ctx context.Context, batch []*lease) error {
	if !slices.ContainsFunc(batch, func(l *lease) bool { return len(l.msg.Data) == 0 && l.msg.Header.Get(client.MsgSize) != "" }) {
		return nil
	}
	info, err := s.lookUp(ctx, false)
	if err == nil {
		err = s.cfg.unusable(info.Config)
	}
	if err != nil {
		for _, l := range batch {
			_ = l.Release(changePause) // what fails comes again as well, only later
		}
	}
	return err
}

// waitAfterChange waits until what happened before a change is over. It looks at the
// connection's own count, which is there before the connection: callbacks come
// later.
func (s *Source) waitAfterChange(ctx context.Context) error {
	b, changes := &s.binding, s.conn.Stats().Reconnects+s.elections.Load()+1
	if changes != b.changes {
		if b.changes > 0 {
			b.pause = time.Now().Add(changePause)
			s.inbox.giveBack()
		}
		b.changes = changes
	}
	backoff.Wait(ctx, time.Until(b.pause))
	return ctx.Err()
}

// warn logs the settings that defeat the promises, once.
func (s *Source) warn(c jetstream.ConsumerConfig) {
	warning := ""
	if err := errors.Join(s.cfg.Problems(c)...); err != nil {
		warning = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	if warning != "" && warning != s.binding.warning {
		s.log.Warn("the consumer's settings defeat the delivery guarantee", "consumer", s.cfg.Consumer, "settings", warning)
	}
	s.binding.warning = warning
}
