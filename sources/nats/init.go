package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// defaultAge is how long a stream that Init creates keeps notifications: well
// beyond any outage, and not for ever, so that the disk does not fill.
const defaultAge = 30 * 24 * time.Hour

// Init prepares the broker for [Source]: it creates what is missing and mode
// allows: the durable consumer, the stream and the one for dead letters. What
// exists is left as it is, and looked through for settings that defeat the
// promises. It may run as often as one likes.
func Init(ctx context.Context, common Common, cfg Config, mode sources.Mode) (sources.Report, error) {
	if err := errors.Join(append(common.Validate(), cfg.Validate()...)...); err != nil {
		return sources.Report{}, err
	}
	p, err := common.preparer(mode)
	if err != nil {
		return sources.Report{}, err
	}
	defer p.conn.Close()
	if err := p.stream(ctx, cfg); err != nil {
		return p.report, cfg.explain(err)
	}
	if err := p.consumer(ctx, cfg); err != nil {
		return p.report, cfg.explain(err)
	}
	return p.report, p.letters(ctx, cfg.Stream)
}

// InitCore prepares the broker for [Core], which needs nothing but a stream
// for its dead letters.
func InitCore(ctx context.Context, common Common, cfg CoreConfig, mode sources.Mode) (sources.Report, error) {
	if err := errors.Join(append(common.Validate(), cfg.Validate()...)...); err != nil {
		return sources.Report{}, err
	}
	p, err := common.preparer(mode)
	if err != nil {
		return sources.Report{}, err
	}
	defer p.conn.Close()
	if cfg.DropRejected {
		return p.report, nil
	}
	return p.report, p.letters(ctx, "")
}

// preparer looks into the broker and creates what is missing.
type preparer struct {
	common Common
	mode   sources.Mode
	conn   *nats.Conn
	js     jetstream.JetStream
	report sources.Report
}

// preparer connects, or says why that fails: there is no second try.
func (c Common) preparer(mode sources.Mode) (*preparer, error) {
	opts, err := c.options()
	if err != nil {
		return nil, err
	}
	opts.RetryOnFailedConnect, opts.AllowReconnect = false, false
	quiet := func() {}
	(&watcher{log: slog.New(slog.DiscardHandler), up: quiet, down: quiet}).watch(&opts)
	p := &preparer{common: c, mode: mode}
	if p.conn, err = opts.Connect(); err != nil {
		return nil, fmt.Errorf("connect to NATS_URL %s: %w", strings.Join(c.URLs, ","), err)
	}
	if p.js, err = jetstream.New(p.conn); err != nil {
		p.conn.Close()
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return p, nil
}

// stream finds or creates the stream of the notifications.
func (p *preparer) stream(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	what := "stream " + cfg.Stream
	stream, err := p.js.Stream(ctx, cfg.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) && p.mode == sources.Create {
		if len(cfg.Subjects) == 0 {
			return errors.New("NATS_SUBJECTS is empty: name the subjects of the stream to create")
		}
		what = "created " + what
		stream, err = p.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: cfg.Stream, Description: "notifications for an XMPP room", Subjects: cfg.Subjects, MaxAge: defaultAge,
		})
	} else {
		what = "found " + what
	}
	if p.withheld(err) {
		p.note("stream %s cannot be looked at: the user may not publish to $JS.API.STREAM.INFO.%s, which a worker does not need", cfg.Stream, cfg.Stream)
		return nil
	}
	if err != nil {
		return err
	}
	c := stream.CachedInfo().Config
	p.done("%s with the subjects %s", what, strings.Join(c.Subjects, ", "))
	p.found("stream "+c.Name, streamFlaws(c), streamNotes(c))
	return nil
}

// withheld reports whether a look got no answer, as when a permission is
// missing that a worker can do without.
func (p *preparer) withheld(err error) bool {
	return p.mode == sources.Look && errors.Is(err, context.DeadlineExceeded)
}

// consumer finds or creates the durable.
func (p *preparer) consumer(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	what := "found consumer "
	consumer, err := p.js.Consumer(ctx, cfg.Stream, cfg.Consumer)
	missing := errors.Is(err, jetstream.ErrConsumerNotFound)
	switch {
	case missing && p.mode == sources.Look && cfg.Create:
		p.done("consumer %s of stream %s does not exist yet: NATS_CREATE is on, so the first worker creates it", cfg.Consumer, cfg.Stream)
		return nil
	case missing && p.mode != sources.Look:
		what = "created consumer "
		consumer, err = p.js.CreateConsumer(ctx, cfg.Stream, cfg.durable())
	}
	if err != nil {
		return err
	}
	info := consumer.CachedInfo()
	p.done("%s%s of stream %s, %d notifications to come", what, cfg.Consumer, cfg.Stream, info.NumPending)
	p.found("consumer "+cfg.Consumer, consumerFlaws(info.Config), consumerNotes(info.Config, cfg))
	return nil
}

// letters finds or creates the stream that stores the dead letters of from,
// which is empty for core NATS, and asks whether we may write there.
func (p *preparer) letters(ctx context.Context, from string) error {
	subject := lettersOf(p.common.DLQSubject, from) + ">"
	stream, err := p.lettersStream(ctx, subject)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return p.missingLetters(ctx, subject, from)
	case p.withheld(err):
		p.note("the stream for dead letters cannot be looked at: the user may not publish to $JS.API.STREAM.NAMES and $JS.API.STREAM.INFO.>, which a worker does not need")
	case err != nil:
		return fmt.Errorf("look up the stream for dead letters: %w", err)
	default:
		p.lettersFound(stream.CachedInfo().Config, subject, from)
	}
	p.writable(ctx, subject)
	return nil
}

func (p *preparer) lettersStream(ctx context.Context, subject string) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	name, err := p.js.StreamNameBySubject(ctx, subject)
	if err != nil {
		return nil, err
	}
	return p.js.Stream(ctx, name)
}

// lettersFound judges the stream for dead letters.
func (p *preparer) lettersFound(c jetstream.StreamConfig, subject, from string) {
	p.done("found stream %s for dead letters, subject %s", c.Name, subject)
	what := "stream " + c.Name + ": "
	for _, flaw := range letterFlaws(c) {
		p.badLetters(what+flaw, "")
	}
	if !slices.ContainsFunc(c.Subjects, func(s string) bool { return covers(s, subject) }) {
		p.badLetters(what+"it captures only a part of the dead letters' subject "+subject, "add that to its subjects")
	}
	if c.Name == from {
		p.badLetters(what+"it captures its own dead letters", "exclude "+subject+" from its subjects, or change NATS_DLQ_SUBJECT")
	}
}

// writable asks whether we may publish dead letters, without doing it: the
// broker refuses what is meant for another stream, after it has let us publish.
func (p *preparer) writable(ctx context.Context, subject string) {
	ctx, cancel := context.WithTimeout(ctx, writableTime)
	defer cancel()
	_, err := p.js.Publish(ctx, strings.TrimSuffix(subject, ">")+"check", nil, jetstream.WithExpectStream("-"), jetstream.WithRetryAttempts(0))
	switch denied := p.conn.LastError(); {
	case err == nil, errors.As(err, new(*jetstream.APIError)):
		return
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		p.noLetters(subject)
		return
	case errors.Is(denied, nats.ErrPermissionViolation):
		err = denied
	}
	p.badLetters(fmt.Sprintf("dead letters are not ours to write: %v", err),
		fmt.Sprintf("allow the user to publish to %s, and to subscribe below NATS_INBOX_PREFIX", subject))
}

// noLetters says that no stream takes the dead letters.
func (p *preparer) noLetters(subject string) {
	p.badLetters("no stream captures the dead letters' subject "+subject, "create one, or run init --create; until then a notification that cannot be delivered blocks its place")
}

// badLetters adds a finding about dead letters.
func (p *preparer) badLetters(what, cure string) {
	p.report.Flaws = append(p.report.Flaws, sources.Finding{What: what, Cure: cure, DeadLetters: true})
}

// writableTime bounds the wait for an answer that a permission withholds.
const writableTime = 2 * time.Second

func (p *preparer) missingLetters(ctx context.Context, subject, from string) error {
	if p.mode != sources.Create {
		p.noLetters(subject)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	name := lettersName(from)
	if _, err := p.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: name, Description: "dead letters of xmpp-notifier", Subjects: []string{subject},
	}); err != nil {
		return fmt.Errorf("create stream %q for dead letters: %w", name, err)
	}
	p.done("created stream %s for dead letters, subject %s", name, subject)
	return nil
}

func lettersName(from string) string {
	if from == "" {
		from = coreWord
	}
	return from + "-dlq"
}

func (p *preparer) done(format string, args ...any) {
	p.report.Done = append(p.report.Done, fmt.Sprintf(format, args...))
}

func (p *preparer) note(format string, args ...any) {
	p.report.Notes = append(p.report.Notes, fmt.Sprintf(format, args...))
}

// found reports on what.
func (p *preparer) found(what string, flaws, notes []string) {
	for _, flaw := range flaws {
		p.report.Flaws = append(p.report.Flaws, sources.Finding{What: what + ": " + flaw})
	}
	for _, note := range notes {
		p.report.Notes = append(p.report.Notes, what+": "+note)
	}
}
