package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
)

// defaultAge is how long a stream that is created keeps notifications: well
// beyond any outage, and not for ever, so that the disk does not fill.
const defaultAge = 30 * 24 * time.Hour

// PrepareJetStream looks whether the broker has what the JetStream source needs,
// and creates what is missing: the durable consumer, the stream and the one for
// dead letters, as far as mode goes. What exists is left as it is, and looked
// through for settings that defeat the promises. It may run as often as one
// likes.
func PrepareJetStream(ctx context.Context, settings nats.Settings, cfg source.Config, mode sources.Mode) check.Report {
	i := &inspector{settings: settings, mode: mode}
	if !i.connect(append(settings.Validate(), cfg.Validate()...)) {
		i.skip(partStream, partConsumer, sources.PartDeadLetters)
		return i.report
	}
	defer i.conn.Close()
	if found, ok := i.stream(ctx, cfg); ok {
		i.consumer(ctx, cfg, found)
	} else {
		i.skip(partConsumer)
		i.mode = sources.CheckOnly // no dead letters of nothing
	}
	i.deadLetters(ctx, cfg.Stream)
	return i.report
}

// stream finds or creates the stream of the notifications. It is nil if the user
// may not look at it.
func (i *inspector) stream(ctx context.Context, cfg source.Config) (jetstream.Stream, bool) {
	what := "found stream " + cfg.Stream
	var stream jetstream.Stream
	err := i.ask(ctx, func(ctx context.Context) (err error) {
		stream, err = i.conn.JS.Stream(ctx, cfg.Stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) && i.mode >= sources.CreateAll {
			what = "created stream " + cfg.Stream
			stream, err = i.createStream(ctx, cfg)
		}
		return err
	})
	switch {
	case errors.Is(err, client.ErrPermissionViolation):
		i.report.Add(check.Broker, partStream, check.Warn, "not checked: "+err.Error(), "allow the user to publish there, for this check only")
		return nil, true // the worker itself need not see it
	case err != nil:
		i.report.Fail(check.Broker, partStream, cfg.Explain(err))
		return nil, false
	}
	c := stream.CachedInfo().Config
	i.found(check.Broker, partStream, "stream "+c.Name, what+" "+contents(c), streamProblems(c), streamNotes(c))
	return stream, true
}

// contents says what a stream holds.
func contents(c jetstream.StreamConfig) string {
	if c.Mirror != nil {
		return "which mirrors " + c.Mirror.Name
	}
	subjects := "with the subjects " + strings.Join(c.Subjects, ", ")
	if len(c.Sources) > 0 {
		subjects += ", and what other streams have"
	}
	return subjects
}

func (i *inspector) createStream(ctx context.Context, cfg source.Config) (jetstream.Stream, error) {
	if len(cfg.Subjects) == 0 {
		return nil, &check.Fault{What: "NATS_SUBJECTS is empty", Fix: "name the subjects of the stream to create"}
	}
	return i.conn.JS.CreateStream(ctx, jetstream.StreamConfig{
		Name: cfg.Stream, Description: "notifications for an XMPP room", Subjects: cfg.Subjects, MaxAge: defaultAge,
	})
}

// consumer finds or creates the durable.
func (i *inspector) consumer(ctx context.Context, cfg source.Config, stream jetstream.Stream) {
	what := "found consumer "
	var consumer jetstream.Consumer
	err := i.ask(ctx, func(ctx context.Context) (err error) {
		consumer, err = i.conn.JS.Consumer(ctx, cfg.Stream, cfg.Consumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) && i.mode >= sources.CreateConsumer {
			what = "created consumer "
			consumer, err = i.conn.JS.CreateConsumer(ctx, cfg.Stream, cfg.Durable())
		}
		if err == nil && i.mode >= sources.CreateConsumer && cfg.CanPin(consumer.CachedInfo().Config) {
			what = "one worker at a time, from now on: changed consumer "
			pinned := consumer.CachedInfo().Config
			cfg.Pin(&pinned)
			consumer, err = i.conn.JS.UpdateConsumer(ctx, cfg.Stream, pinned)
		}
		return err
	})
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		if conflict := i.conflict(ctx, cfg, stream); conflict != nil {
			err = conflict
		}
	}
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound) && cfg.Create:
		i.report.Add(check.Broker, partConsumer, check.Warn, fmt.Sprintf("stream %q has no consumer %q", cfg.Stream, cfg.Consumer), "the worker will create it, because NATS_CREATE=true")
		return
	case err != nil:
		i.report.Fail(check.Broker, partConsumer, cfg.Explain(err))
		return
	}
	info := consumer.CachedInfo()
	found := fmt.Sprintf("%s%s of stream %s, %d notifications to come", what, cfg.Consumer, cfg.Stream, info.NumPending)
	i.found(check.Broker, partConsumer, "consumer "+cfg.Consumer, found, cfg.Problems(info.Config), cfg.Notes(info.Config))
}

// conflict says why the broker would refuse to create the consumer, or nil: on a
// work queue no two consumers may read the same subject.
func (i *inspector) conflict(ctx context.Context, cfg source.Config, stream jetstream.Stream) error {
	if stream == nil || stream.CachedInfo().Config.Retention != jetstream.WorkQueuePolicy {
		return nil
	}
	var other string
	_ = i.ask(ctx, func(ctx context.Context) error { // what fails is found out when the consumer is created
		list := stream.ListConsumers(ctx)
		for info := range list.Info() {
			if other == "" && source.ReadsSame(info.Config, cfg.Durable()) {
				other = info.Name
			}
		}
		return list.Err()
	})
	if other == "" {
		return nil
	}
	return &check.Fault{
		What: fmt.Sprintf("stream %q is a work queue, and its consumer %q reads the same subjects", cfg.Stream, other),
		Fix:  "set NATS_SUBJECTS to subjects that no other consumer reads, or NATS_CONSUMER=" + other,
	}
}
