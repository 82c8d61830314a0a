package nats

import (
	"context"
	"errors"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// letters finds or creates the stream that stores the dead letters of from,
// which is empty for core NATS, and tries whether they may be written.
func (p *preparer) letters(ctx context.Context, from string) {
	subject := lettersOf(p.common.DLQSubject, from) + ">"
	var stream jetstream.Stream
	err := p.ask(ctx, func(ctx context.Context) error {
		name, err := p.js.StreamNameBySubject(ctx, subject)
		if err == nil {
			stream, err = p.js.Stream(ctx, name)
		}
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		p.missingLetters(ctx, subject, from)
	case errors.Is(err, nats.ErrPermissionViolation): // the worker itself need not see it
		p.tryLetters(ctx, from, "a stream captures the dead letters' subject "+subject)
	case err != nil:
		p.report.Fail(check.DeadLetters, sources.PartDeadLetters, lettersFault("look up their stream", subject, err))
	default:
		p.lettersIn(ctx, stream.CachedInfo().Config, subject, from)
	}
}

// lettersIn looks at the stream with the dead letters.
func (p *preparer) lettersIn(ctx context.Context, c jetstream.StreamConfig, subject, from string) {
	wrong := letterFlaws(c)
	wrong.add(!slices.ContainsFunc(c.Subjects, func(s string) bool { return covers(s, subject) }), "add that to its subjects",
		"it captures only a part of the dead letters' subject %s", subject)
	wrong.add(c.Name == from, "exclude "+subject+" from its subjects, or change NATS_DLQ_SUBJECT", "it captures its own dead letters")
	found := "found stream " + c.Name + " for dead letters, subject " + subject
	if len(wrong) == 0 && !p.tryLetters(ctx, from, found) {
		return
	}
	for _, flaw := range wrong {
		p.report.Add(check.DeadLetters, sources.PartDeadLetters, check.Fail, "stream "+c.Name+": "+flaw.What, flaw.Cure)
	}
}

func (p *preparer) missingLetters(ctx context.Context, subject, from string) {
	if p.mode < sources.Create {
		p.report.Fail(check.DeadLetters, sources.PartDeadLetters, noLetters(subject, nil))
		return
	}
	name := lettersName(from)
	err := p.ask(ctx, func(ctx context.Context) error {
		_, err := p.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Description: "dead letters of xmpp-notifier", Subjects: []string{subject},
		})
		return err
	})
	if err != nil {
		p.report.Fail(check.DeadLetters, sources.PartDeadLetters, lettersFault("create stream "+name, subject, err))
		return
	}
	p.report.Add(check.DeadLetters, sources.PartDeadLetters, check.OK, "created stream "+name+" for dead letters, subject "+subject, "")
}

// otherStream is expected to store the letter that tries whether letters may
// be written. It does not, so nothing is stored.
const otherStream = "xmpp-notifier-expects-no-stream"

// tryLetters publishes a letter that no stream takes: the broker says so only
// to somebody who may publish, and only if there is a stream.
func (p *preparer) tryLetters(ctx context.Context, from, found string) bool {
	prefix := lettersOf(p.common.DLQSubject, from)
	err := p.ask(ctx, func(ctx context.Context) error {
		_, err := p.js.PublishMsg(ctx, nats.NewMsg(prefix+"check"), jetstream.WithExpectStream(otherStream), jetstream.WithRetryAttempts(0))
		return err
	})
	var refused *jetstream.APIError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode == wrongStream:
		p.report.Add(check.DeadLetters, sources.PartDeadLetters, check.OK, found, "")
		return true
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		err = noLetters(prefix+">", err)
	default:
		err = lettersFault("publish to "+prefix+">", prefix+">", err)
	}
	p.report.Fail(check.DeadLetters, sources.PartDeadLetters, err)
	return false
}

// wrongStream is the broker's answer to a message for another stream.
const wrongStream jetstream.ErrorCode = 10060

// noLetters says that dead letters have no place.
func noLetters(subject string, err error) error {
	return &check.Fault{
		What: "no stream captures the dead letters' subject " + subject + ", so a notification that cannot be delivered blocks its place", Err: err,
		Cure: "create one, run init --create, or correct NATS_DLQ_SUBJECT",
	}
}

// lettersFault explains an error about the dead letters.
func lettersFault(what, subject string, err error) error {
	cure := "may the user publish to " + subject + "?"
	if errors.Is(err, nats.ErrPermissionViolation) {
		cure = "allow the user to publish to " + subject
	}
	return &check.Fault{What: what, Err: err, Cure: cure}
}

func lettersName(from string) string {
	if from == "" {
		from = coreWord
	}
	return from + "-dlq"
}
