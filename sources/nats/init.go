package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// defaultAge is how long a stream that Init creates keeps notifications: well
// beyond any outage, and not for ever, so that the disk does not fill.
const defaultAge = 30 * 24 * time.Hour

// Init looks whether the broker has what [Source] needs, and creates what is
// missing: the durable consumer, the stream and the one for dead letters, as
// far as mode goes. What exists is left as it is, and looked through for
// settings that defeat the promises. It may run as often as one likes.
func Init(ctx context.Context, common Common, cfg Config, mode sources.Mode) check.Report {
	p := &preparer{common: common, mode: mode}
	if !p.connect(append(common.Validate(), cfg.Validate()...)) {
		p.skip(partStream, partConsumer, sources.PartDeadLetters)
		return p.report
	}
	defer p.conn.Close()
	if p.stream(ctx, cfg) {
		p.consumer(ctx, cfg)
	} else {
		p.skip(partConsumer)
		p.mode = sources.Look // no dead letters of nothing
	}
	p.letters(ctx, cfg.Stream)
	return p.report
}

// InitCore is Init for [Core], which needs nothing but a stream for its dead
// letters.
func InitCore(ctx context.Context, common Common, cfg CoreConfig, mode sources.Mode) check.Report {
	p := &preparer{common: common, mode: mode}
	if !p.connect(append(common.Validate(), cfg.Validate()...)) {
		p.skip(partSubjects, sources.PartDeadLetters)
		return p.report
	}
	defer p.conn.Close()
	p.listen(ctx, cfg)
	if !cfg.DropRejected {
		p.letters(ctx, "")
	}
	return p.report
}

// What is looked at beside the connection and the dead letters.
const (
	partStream   = "stream"
	partConsumer = "consumer"
	partSubjects = "subjects"
)

// preparer looks into the broker and creates what is missing.
type preparer struct {
	common Common
	mode   sources.Mode
	conn   *nats.Conn
	js     jetstream.JetStream
	report check.Report

	mu     sync.Mutex
	refuse context.CancelCauseFunc // ends the present request; nil if there is none
}

// connect connects, or says why that fails: there is no second try.
func (p *preparer) connect(wrong []error) bool {
	if err := errors.Join(wrong...); err != nil {
		p.report.Fail(check.Settings, "settings", err)
		return false
	}
	opts, err := p.common.options()
	if err != nil {
		p.report.Fail(check.Settings, "settings", err)
		return false
	}
	opts.RetryOnFailedConnect, opts.AllowReconnect = false, false
	quiet := func() {}
	(&watcher{log: slog.New(slog.DiscardHandler), up: quiet, down: quiet, failed: p.refused}).watch(&opts)
	if p.conn, err = opts.Connect(); err == nil {
		p.js, err = jetstream.New(p.conn)
	}
	if err != nil {
		p.conn.Close()
		p.report.Fail(check.Broker, sources.PartConnection, explainConnect(err))
		return false
	}
	found := "connected to " + p.conn.ConnectedUrlRedacted()
	if version := p.conn.ConnectedServerVersion(); version != "" {
		found += ", version " + version
	}
	p.report.Add(check.Broker, sources.PartConnection, check.OK, found, "")
	return true
}

// refused sees errors that the client reports on the side: a broker does not
// answer what is not allowed, so waiting for that is over.
func (p *preparer) refused(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil && errors.Is(err, nats.ErrPermissionViolation) {
		p.refuse(err)
	}
	return true
}

// ask sends a request, which ends soon, whatever the broker does.
func (p *preparer) ask(ctx context.Context, request func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, lookupTime)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	p.await(cancel)
	defer cancel(nil)
	defer p.await(nil)
	err := request(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, nats.ErrPermissionViolation) {
		return cause
	}
	return err
}

func (p *preparer) await(refuse context.CancelCauseFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// stream finds or creates the stream of the notifications.
func (p *preparer) stream(ctx context.Context, cfg Config) bool {
	what := "found stream " + cfg.Stream
	var stream jetstream.Stream
	err := p.ask(ctx, func(ctx context.Context) (err error) {
		stream, err = p.js.Stream(ctx, cfg.Stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) && p.mode >= sources.Create {
			what = "created stream " + cfg.Stream
			stream, err = p.create(ctx, cfg)
		}
		return err
	})
	switch {
	case errors.Is(err, nats.ErrPermissionViolation):
		p.report.Add(check.Broker, partStream, check.Warn, "not looked at: "+err.Error(), "allow the user to publish there, for this check only")
		return true // the worker itself need not see it
	case err != nil:
		p.report.Fail(check.Broker, partStream, cfg.explain(err))
		return false
	}
	c := stream.CachedInfo().Config
	p.found(check.Broker, partStream, "stream "+c.Name, what+" with the subjects "+strings.Join(c.Subjects, ", "), streamFlaws(c), streamNotes(c))
	return true
}

func (p *preparer) create(ctx context.Context, cfg Config) (jetstream.Stream, error) {
	if len(cfg.Subjects) == 0 {
		return nil, &check.Fault{What: "NATS_SUBJECTS is empty", Cure: "name the subjects of the stream to create"}
	}
	return p.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: cfg.Stream, Description: "notifications for an XMPP room", Subjects: cfg.Subjects, MaxAge: defaultAge,
	})
}

// consumer finds or creates the durable.
func (p *preparer) consumer(ctx context.Context, cfg Config) {
	what := "found consumer "
	var consumer jetstream.Consumer
	err := p.ask(ctx, func(ctx context.Context) (err error) {
		consumer, err = p.js.Consumer(ctx, cfg.Stream, cfg.Consumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) && p.mode >= sources.Bind {
			what = "created consumer "
			consumer, err = p.js.CreateConsumer(ctx, cfg.Stream, cfg.durable())
		}
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound) && cfg.Create:
		p.report.Add(check.Broker, partConsumer, check.Warn, fmt.Sprintf("stream %q has no consumer %q", cfg.Stream, cfg.Consumer), "the worker will create it, because NATS_CREATE=true")
		return
	case err != nil:
		p.report.Fail(check.Broker, partConsumer, cfg.explain(err))
		return
	}
	info := consumer.CachedInfo()
	found := fmt.Sprintf("%s%s of stream %s, %d notifications to come", what, cfg.Consumer, cfg.Stream, info.NumPending)
	p.found(check.Broker, partConsumer, "consumer "+cfg.Consumer, found, consumerFlaws(info.Config), consumerNotes(info.Config, cfg))
}

// listen tries whether the subjects may be subscribed to.
func (p *preparer) listen(ctx context.Context, cfg CoreConfig) {
	err := p.ask(ctx, func(ctx context.Context) error {
		for _, subject := range cfg.Subjects {
			sub, err := p.conn.QueueSubscribeSync(subject, cfg.Queue+".check") // a queue of its own: it takes nothing away
			if err != nil {
				return err
			}
			defer func() { _ = sub.Unsubscribe() }() // the connection ends soon
		}
		if err := p.conn.FlushWithContext(ctx); err != nil {
			return err
		}
		return ctx.Err()
	})
	if err != nil {
		p.report.Fail(check.Broker, partSubjects, denied(err))
		return
	}
	p.report.Add(check.Broker, partSubjects, check.OK, "may subscribe to "+strings.Join(cfg.Subjects, ", "), "")
}

// found reports on a part that is there.
func (p *preparer) found(class check.Class, part, what, found string, wrong flaws, notes []string) {
	p.report.Add(class, part, check.OK, found, "")
	for _, flaw := range wrong {
		p.report.Add(class, part, check.Fail, what+": "+flaw.What, flaw.Cure)
	}
	for _, note := range notes {
		p.report.Add(class, part, check.Warn, what+": "+note, "")
	}
}

// skip names what is not looked at.
func (p *preparer) skip(parts ...string) {
	for _, part := range parts {
		class := check.Broker
		if part == sources.PartDeadLetters {
			class = check.DeadLetters
		}
		p.report.Add(class, part, check.Skip, "not looked at", "")
	}
}
