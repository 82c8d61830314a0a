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

// Init prepares the broker for [Source]: it creates the durable consumer if it
// is missing, and with create also the stream and the one for dead letters.
// What exists is left as it is, and looked through for settings that defeat
// the promises. It may run as often as one likes.
func Init(ctx context.Context, common Common, cfg Config, create bool) (sources.Report, error) {
	if err := errors.Join(append(common.Validate(), cfg.Validate()...)...); err != nil {
		return sources.Report{}, err
	}
	p, err := common.preparer(create)
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
func InitCore(ctx context.Context, common Common, cfg CoreConfig, create bool) (sources.Report, error) {
	if err := errors.Join(append(common.Validate(), cfg.Validate()...)...); err != nil {
		return sources.Report{}, err
	}
	p, err := common.preparer(create)
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
	create bool // streams, too
	conn   *nats.Conn
	js     jetstream.JetStream
	report sources.Report
}

// preparer connects, or says why that fails: there is no second try.
func (c Common) preparer(create bool) (*preparer, error) {
	opts, err := c.options()
	if err != nil {
		return nil, err
	}
	opts.RetryOnFailedConnect, opts.AllowReconnect = false, false
	quiet := func() {}
	(&watcher{log: slog.New(slog.DiscardHandler), up: quiet, down: quiet}).watch(&opts)
	p := &preparer{common: c, create: create}
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
	if errors.Is(err, jetstream.ErrStreamNotFound) && p.create {
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
	if err != nil {
		return err
	}
	c := stream.CachedInfo().Config
	p.done("%s with the subjects %s", what, strings.Join(c.Subjects, ", "))
	p.found("stream "+c.Name, streamFlaws(c), streamNotes(c))
	return nil
}

// consumer finds or creates the durable.
func (p *preparer) consumer(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	what := "found consumer "
	consumer, err := p.js.Consumer(ctx, cfg.Stream, cfg.Consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
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
// which is empty for core NATS.
func (p *preparer) letters(ctx context.Context, from string) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	subject := lettersOf(p.common.DLQSubject, from) + ">"
	name, err := p.js.StreamNameBySubject(ctx, subject)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return p.missingLetters(ctx, subject, from)
	}
	if err != nil {
		return fmt.Errorf("look up the stream for dead letters: %w", err)
	}
	stream, err := p.js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("look up the stream for dead letters %q: %w", name, err)
	}
	p.done("found stream %s for dead letters, subject %s", name, subject)
	c := stream.CachedInfo().Config
	flaws := letterFlaws(c)
	if !slices.ContainsFunc(c.Subjects, func(s string) bool { return covers(s, subject) }) {
		flaws = append(flaws, "it captures only a part of the dead letters' subject "+subject+": add that to its subjects")
	}
	if name == from {
		flaws = append(flaws, "it captures its own dead letters: exclude "+subject+" from its subjects, or change NATS_DLQ_SUBJECT")
	}
	p.found("stream "+name, flaws, nil)
	return nil
}

func (p *preparer) missingLetters(ctx context.Context, subject, from string) error {
	if !p.create {
		p.report.Flaws = append(p.report.Flaws, "no stream captures the dead letters' subject "+subject+": create one, or run init --create; until then a notification that cannot be delivered blocks its place")
		return nil
	}
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

// found reports on what.
func (p *preparer) found(what string, flaws, notes []string) {
	for _, flaw := range flaws {
		p.report.Flaws = append(p.report.Flaws, what+": "+flaw)
	}
	for _, note := range notes {
		p.report.Notes = append(p.report.Notes, what+": "+note)
	}
}
