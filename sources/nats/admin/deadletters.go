package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/deadletter"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// deadLetters finds or creates the stream that stores the dead letters of from,
// which is empty for core NATS, and tries whether they may be written.
func (i *inspector) deadLetters(ctx context.Context, from string) {
	subject := deadletter.Prefix(i.settings.DLQSubject, from) + ">"
	var stream jetstream.Stream
	err := i.ask(ctx, func(ctx context.Context) error {
		name, err := i.conn.JS.StreamNameBySubject(ctx, subject)
		if err == nil {
			stream, err = i.conn.JS.Stream(ctx, name)
		}
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		i.createDeadLetters(ctx, subject, from)
	case errors.Is(err, client.ErrPermissionViolation): // the worker itself need not see it
		i.tryDeadLetters(ctx, from, "a stream captures the dead letters' subject "+subject)
	case err != nil:
		i.report.Fail(check.DeadLetters, sources.PartDeadLetters, deadLetterFault("look up their stream", subject, err))
	default:
		i.deadLetterStream(ctx, stream.CachedInfo().Config, subject, from)
	}
}

// deadLetterStream looks at the stream with the dead letters.
func (i *inspector) deadLetterStream(ctx context.Context, c jetstream.StreamConfig, filter, from string) {
	var wrong check.Faults = deadLetterProblems(c)
	wrong.Add(!slices.ContainsFunc(c.Subjects, func(s string) bool { return subject.Covers(s, filter) }), "add that to its subjects",
		"it captures only a part of the dead letters' subject %s", filter)
	wrong.Add(c.Name == from, "exclude "+filter+" from its subjects, or change NATS_DLQ_SUBJECT", "it captures its own dead letters")
	found := "found stream " + c.Name + " for dead letters, subject " + filter
	if len(wrong) == 0 && !i.tryDeadLetters(ctx, from, found) {
		return
	}
	for _, problem := range wrong {
		i.report.Fail(check.DeadLetters, sources.PartDeadLetters, fmt.Errorf("stream %s: %w", c.Name, problem))
	}
}

func (i *inspector) createDeadLetters(ctx context.Context, subject, from string) {
	if i.mode < sources.CreateAll {
		i.report.Fail(check.DeadLetters, sources.PartDeadLetters, deadletter.NoStream(subject, nil))
		return
	}
	name := deadLetterStreamName(from)
	err := i.ask(ctx, func(ctx context.Context) error {
		_, err := i.conn.JS.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Description: "dead letters of xmpp-notifier", Subjects: []string{subject},
		})
		return err
	})
	if err != nil {
		i.report.Fail(check.DeadLetters, sources.PartDeadLetters, deadLetterFault("create stream "+name, subject, err))
		return
	}
	i.report.Add(check.DeadLetters, sources.PartDeadLetters, check.OK, "created stream "+name+" for dead letters, subject "+subject, "")
}

// otherStream is expected to store the dead letter that tries whether dead letters may
// be written. It does not, so nothing is stored.
const otherStream = "xmpp-notifier-expects-no-stream"

// tryDeadLetters publishes a dead letter that no stream takes: the broker says so only
// to somebody who may publish, and only if there is a stream.
func (i *inspector) tryDeadLetters(ctx context.Context, from, found string) bool {
	prefix := deadletter.Prefix(i.settings.DLQSubject, from)
	err := i.ask(ctx, func(ctx context.Context) error {
		_, err := i.conn.JS.PublishMsg(ctx, client.NewMsg(prefix+"check"), jetstream.WithExpectStream(otherStream), jetstream.WithRetryAttempts(0))
		return err
	})
	refused, answered := errors.AsType[*jetstream.APIError](err)
	switch {
	case answered && refused.ErrorCode == wrongStream:
		i.report.Add(check.DeadLetters, sources.PartDeadLetters, check.OK, found, "")
		return true
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, client.ErrNoResponders):
		err = deadletter.NoStream(prefix+">", err)
	default:
		err = deadLetterFault("publish to "+prefix+">", prefix+">", err)
	}
	i.report.Fail(check.DeadLetters, sources.PartDeadLetters, err)
	return false
}

// wrongStream is the broker's answer to a message for another stream.
const wrongStream jetstream.ErrorCode = 10060

// deadLetterFault explains an error about the dead letters.
func deadLetterFault(what, subject string, err error) error {
	fix := "may the user publish to " + subject + "?"
	if errors.Is(err, client.ErrPermissionViolation) {
		fix = "allow the user to publish to " + subject
	}
	return &check.Fault{What: what, Err: err, Fix: fix}
}

func deadLetterStreamName(from string) string {
	if from == "" {
		from = deadletter.CoreName
	}
	return from + "-dlq"
}
